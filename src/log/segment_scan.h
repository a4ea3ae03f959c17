// Where the whole batches of one segment end.
//
// Behind them there may be part of a batch that is being written or never was, room that was preallocated, or rubbish after a
// crash: none of it is anybody's to read.
// Units     offsets in records, positions in bytes.
// Errors    values.
// Thread    one; blocks on cold pages: off the loop only.
// Source    Apache Kafka's LogSegment.recover.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "log/batch.h"
#include "os/unique_fd.h"

namespace sluice::log {

// A segment's log file, opened for a look at it.
struct SegmentFile {
  os::UniqueFd fd;
  std::uint64_t size = 0, inode = 0;
  int error = 0;  // errno of opening it; EINVAL: it is no regular file
};
SegmentFile open_segment(const std::string& directory, std::int64_t base_offset);

struct ValidEnd {
  std::uint64_t position = 0;  // behind the last whole batch
  std::int64_t offset = 0;     // likewise; where there is none the segment's base
  // The last one's begin, offset and checksum, by which a log that was cut and written anew is known.
  std::uint64_t last_position = 0;
  std::int64_t last_offset = -1;  // -1: there is none
  std::uint32_t last_crc = 0;
};

enum class Check : bool { kNone, kCrc };

// false: this was enough.
using OnBatch = std::function<bool(std::uint64_t position, const BatchHead& head)>;

// Goes on from `end`, whose batches stand, and takes it behind those that follow; each is told to `on_batch`. Why no more
// does: kEnd, kTorn, kCorrupt; kBatch when it was enough. With Check::kCrc a batch with a wrong checksum is corrupt.
Scan advance(const SegmentFile& file, ValidEnd& end, Check check, const OnBatch& on_batch = {});

// From its last usable index entry on.
ValidEnd find_end(const SegmentFile& file, const std::string& directory, std::int64_t base_offset,
                  Check check);

// The end of the batches below `offset`, or further in front: from there on it is near.
ValidEnd find_before(const SegmentFile& file, const std::string& directory, std::int64_t base_offset,
                     std::int64_t offset);

// Whether the last batch of `end` still stands there.
bool still_ends(const SegmentFile& file, const ValidEnd& end);

}  // namespace sluice::log
