// Reads everything in a partition's directory and tells what is wrong with it. Changes nothing.
//
// Batches   each CRC; offsets ascend, within a segment and from one to the next; records can be read, and are as many, as young
//           and at the offsets that the head of their batch says.
// Indexes   an entry leads to the begin of a batch, and its offset is that of no batch before; a time is the largest up
//           to its offset.
// Errors    std::runtime_error when something can't be read.
// Thread    one, which waits for the disk. Others may append meanwhile.
// Source    what Kafka's DumpLogSegments checks, and what its brokers rely on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sluice::log {

struct Finding {
  std::string file;            // its name
  std::uint64_t position = 0;  // in it
  std::string what;
  bool torn = false;  // the end of the last segment is not whole: a crash, or somebody is just writing it
};

struct Verified {
  std::uint64_t segments = 0, batches = 0, records = 0, bytes = 0;
};

// `tell` is called for each finding, in the order of the files.
Verified verify_partition(const std::string& directory, const std::function<void(const Finding&)>& tell);

}  // namespace sluice::log
