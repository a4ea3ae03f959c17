// Which record has a timestamp: by the time indexes, then from batch to batch, then inside of one.
//
// Blocks: batches are read from a disk, and decompressed. Off the loop only.
// Bounded   memory for one batch and what it is decompressed to; one open segment.
// Errors    `error`, errno. A batch that can't be decoded is answered as a whole, by its first offset: too early is safe.
// Thread    any.
#pragma once

#include <cstdint>

#include "log/view.h"

namespace sluice::log {

struct TimedRecord {
  int error = 0;
  std::int64_t offset = -1, timestamp = -1;  // -1: there is none
};

// The first record below the offset `before` with a timestamp of at least `timestamp`.
TimedRecord first_record_since(const PartitionView& view, std::int64_t timestamp, std::int64_t before);

// The first record of those with the largest timestamp, below the offset `before`.
TimedRecord youngest_record(const PartitionView& view, std::int64_t before);

}  // namespace sluice::log
