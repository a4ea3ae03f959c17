// The indexes beside a segment, looked up where they lie: in mapped memory, without allocation and without a system call.
//
// A live segment's files are preallocated: behind the last entry stand zeros. What can't be an index at all (not whole
// entries, not increasing) has no entries, so that everything is looked for from the segment's beginning.
// Lifetime  the bytes are the caller's; mapped ones are read under os::guarded() only.
// Thread    any. Source: Apache Kafka's OffsetIndex, TimeIndex and TransactionIndex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "log/view.h"

namespace sluice::log {

// `.index`: (last offset of an append, minus the segment's base; where the append begins), one every few KiB of log.
class OffsetIndex {
 public:
  static constexpr std::size_t kEntry = 8;
  struct Entry {
    std::int64_t offset = -1;  // relative to the segment's base; below all others where there is no entry
    std::uint64_t position = 0;
  };

  // Takes up what was written since the last call. `bytes`: of the file, from its beginning; may end in zeros. Entries that
  // point at or behind `log_size` are left out: a log that grows may have an index that is ahead of what is known of it.
  void extend(std::string_view bytes, std::uint64_t log_size) noexcept;

  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  [[nodiscard]] bool implausible() const noexcept { return implausible_; }
  [[nodiscard]] Entry entry(std::size_t at) const noexcept;
  [[nodiscard]] Entry last() const noexcept { return entries_ == 0 ? Entry{} : entry(entries_ - 1); }
  // The last entry with an offset of at most `offset` (relative): what contains `offset` begins at its position, or later.
  [[nodiscard]] Entry at_most(std::int64_t offset) const noexcept;
  // The last entry that points below `position`.
  [[nodiscard]] Entry below(std::uint64_t position) const noexcept;

 private:
  const char* data_ = nullptr;
  std::size_t entries_ = 0;
  bool implausible_ = false;
};

// `.timeindex`: (timestamp, offset of the record that has it, minus the base): up to there no timestamp is larger.
class TimeIndex {
 public:
  static constexpr std::size_t kEntry = 12;
  struct Entry {
    std::int64_t timestamp;
    std::int64_t offset;  // relative
  };

  explicit TimeIndex(std::string_view bytes) noexcept;
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  [[nodiscard]] Entry entry(std::size_t at) const noexcept;
  [[nodiscard]] std::optional<Entry> last() const noexcept;
  // The last entry below `timestamp`: no record up to its offset has that timestamp.
  [[nodiscard]] std::optional<Entry> below(std::int64_t timestamp) const noexcept;

 private:
  const char* data_ = nullptr;
  std::size_t entries_ = 0;
};

// `.txnindex`: the transactions of a segment that were given up, in the order of their ends; up to the first entry that is
// none.
std::vector<AbortedTransaction> read_transaction_index(std::string_view bytes);

}  // namespace sluice::log
