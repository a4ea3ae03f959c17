// `sluice log dump`: what is in a partition, for people's eyes, or as JSON lines.
//
//   batch 5-7 at 00000000000000000000.log:214, 142 bytes, 3 records, lz4, 2026-11-21T01:02:03.456Z
//   5  2026-11-21T01:02:03.456Z  "key"  "value"  {"header": "value"}
//   6  2026-11-21T01:02:03.456Z  null  "a\u0000b"
//
// Errors    std::runtime_error when a file can't be read. What is wrong with a batch is shown in its place.
// Thread    the main one; it waits for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace sluice::app {

struct LogDump {
  std::string directory, topic;
  std::int32_t partition = 0;
  std::int64_t from = 0;               // offset
  std::optional<std::uint64_t> count;  // records; or batches
  bool batches = false;                // these only
  bool json = false;                   // of records only, or of batches only
};

// The exit code: kExitRuntime when something was wrong with what is there.
int dump_log(const LogDump& wanted, std::ostream& out, std::ostream& err);

}  // namespace sluice::app
