// Look-ups in an offset index that is read where it stands: a few small reads, where a mapping for each of ten thousand
// partitions would not pay.
//
// Units     offsets in records, positions in bytes of the segment.
// Errors    values: an index that is missing or says what can't be is as good as an empty one.
// Thread    one; blocks: off the loop only.
// Source    Apache Kafka's OffsetIndex: entries of a relative offset and a position, both 32 bits, big-endian, ascending;
//           the rest of a live index is zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "os/unique_fd.h"

namespace sluice::log {

struct IndexEntry {
  std::int64_t offset = 0;     // the last one of what was appended at `position`
  std::uint64_t position = 0;  // never 0
};

class IndexFile {
 public:
  // Entries that point behind `log_size` bytes of segment don't count.
  IndexFile(const std::string& path, std::int64_t base_offset, std::uint64_t log_size);

  // The last entry at or below `offset`.
  std::optional<IndexEntry> at_or_below(std::int64_t offset) const;
  // The last entry before `position`.
  std::optional<IndexEntry> before(std::uint64_t position) const;

 private:
  // The last entry that is `in`; those which are stand before those which are not.
  template <typename In>
  std::optional<IndexEntry> last(In in) const;
  std::optional<IndexEntry> entry(std::uint64_t number) const;  // nothing: behind the last one

  os::UniqueFd fd_;
  const std::int64_t base_offset_;
  const std::uint64_t log_size_;
  std::uint64_t entries_ = 0;  // places for them
};

}  // namespace sluice::log
