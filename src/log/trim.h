// Takes whole segments from the begin of a partition, oldest first, never the last one.
//
// Errors    std::runtime_error: a broker or a writer is at work there, or a file can't be read or removed.
// Thread    one, which waits for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::log {

// A segment goes while any of these says so.
struct TrimRule {
  std::optional<std::int64_t> before;       // all its offsets are below it
  std::optional<std::uint64_t> keep_bytes;  // what is behind it has at least as many bytes
  std::optional<std::int64_t>
      older_than;  // all its timestamps are below it; of records without: the file's time
};

struct Trimmed {
  std::int64_t base_offset = 0;
  std::uint64_t size = 0;
};

struct TrimResult {
  std::vector<Trimmed> gone;
  std::int64_t log_start = 0;  // now
};

TrimResult trim_partition(const std::string& log_directory, const std::string& directory,
                          const TrimRule& rule);

}  // namespace sluice::log
