// One worker's way into segments: offsets and times become file ranges, for the relay to send.
//
// Segments are opened when they are first asked for and kept, mapped, the least recently used closed first; a look-up in
// an open, resident segment makes no system call and allocates nothing but the list of ranges. One that would wait for
// a disk goes to the offload threads (kPending), as in content/open_files.h.
// Bounded   `capacity` open segments. Ranges under way keep their file open.
// Lifetime  outlives the tickets of its look-ups.
// Thread    the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "log/view.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "relay/body.h"

namespace sluice::log {

enum class Find : std::uint8_t {
  kFound,    // for ranges: also with none, where nothing fits or nothing is there yet
  kPending,  // `ready` is called later, unless the ticket is dropped; then ask again at once
  kFailed,   // a segment can't be opened or read, or vanished: `error`, errno
};

struct Wanted {
  std::int64_t from = 0;        // log_start <= from <= before
  std::int64_t before = 0;      // batches that begin at or above are left out: high watermark or last stable offset
  std::uint64_t most = 0;       // bytes
  bool first_whole = false;     // the first batch is taken even where it is larger than `most`
};

struct Slice {
  Find found = Find::kFound;
  int error = 0;
  std::vector<relay::FileRange> ranges;  // whole batches, over as many segments as fit
  std::uint64_t bytes = 0;               // of all ranges
  std::int64_t next = 0;                 // where to go on: behind the last batch taken; `from` when none was
};

struct AtTime {
  Find found = Find::kFound;
  int error = 0;
  std::int64_t offset = -1, timestamp = -1;  // -1: no record is that young
};

class Reader {
 public:
  Reader(loop::EventLoop& loop, loop::Offload& offload, std::size_t capacity);
  ~Reader();

  // The batch that contains `from` (or the first one behind it, where a compaction left a gap), and those that follow.
  Slice find(const PartitionView& view, const Wanted& wanted, loop::Ticket& ticket, std::function<void()> ready);

  // The first record whose timestamp is at least `timestamp`, below `before`. Always off the loop when records have to be
  // decompressed or read from a disk.
  AtTime find_time(const PartitionViewPtr& view, std::int64_t timestamp, std::int64_t before, loop::Ticket& ticket,
                   std::function<void()> ready);
  // The record with the largest timestamp of all.
  AtTime find_youngest(const PartitionViewPtr& view, std::int64_t before, loop::Ticket& ticket,
                       std::function<void()> ready);

  [[nodiscard]] std::size_t open_segments() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::log
