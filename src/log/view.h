// What is known of a log directory at one moment, as values that never change: many threads read one view, and a change
// makes a new one.
//
// Units     offsets in records, sizes in bytes, times in milliseconds since the epoch.
// Thread    immutable: any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::log {

using Uuid = std::array<unsigned char, 16>;  // all zero: none

struct SegmentView {
  std::int64_t base_offset = 0;  // in the file's name; its first batch may begin later
  std::int64_t end_offset = 0;   // behind its last whole batch; of an empty one its base
  std::uint64_t size = 0;        // bytes up to the end of its last whole batch
  std::uint64_t inode = 0;       // a compacted segment has the name of the old one, and another inode

  bool operator==(const SegmentView&) const = default;
};

// A transaction that was given up: its records are skipped by whoever reads only what was committed.
struct AbortedTransaction {
  std::int64_t producer_id = 0;
  std::int64_t first_offset = 0, last_offset = 0;  // of its records and its marker
  std::int64_t last_stable = 0;                    // the last stable offset when it ended
};

struct PartitionView {
  std::string topic;
  std::int32_t index = 0;
  std::string directory;  // its path
  std::vector<SegmentView> segments;  // ascending, at least one; only the last one grows
  std::int64_t log_start = 0;         // what is below it is gone, even where a segment still has it
  std::int64_t end = 0;               // log end offset, and the high watermark: there are no replicas to wait for
  std::int64_t last_stable = 0;       // the first offset of the oldest transaction that is open, else `end`
  std::vector<AbortedTransaction> aborted;  // ascending by last_offset
};
using PartitionViewPtr = std::shared_ptr<const PartitionView>;

}  // namespace sluice::log
