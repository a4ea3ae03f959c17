#include "log/index.h"

#include "base/big_endian.h"

namespace sluice::log {

namespace {

// How many of `count` things, numbered from 0, come before the first that `is_before` denies; the order is by it.
template <typename IsBefore>
std::size_t count_before(std::size_t count, IsBefore is_before) noexcept {
  std::size_t from = 0;
  while (from < count) {
    const std::size_t middle = from + (count - from) / 2;
    if (is_before(middle)) {
      from = middle + 1;
    } else {
      count = middle;
    }
  }
  return from;
}

constexpr std::size_t kTransaction = 2 + 4 * 8;  // version, then what AbortedTransaction has

}  // namespace

OffsetIndex::Entry OffsetIndex::entry(std::size_t at) const noexcept {
  const char* const from = data_ + at * kEntry;
  return {.offset = load_big_endian<std::int32_t>(from),
          .position = load_big_endian<std::uint32_t>(from + 4)};
}

void OffsetIndex::extend(std::string_view bytes, std::uint64_t log_size) noexcept {
  data_ = bytes.data();
  if (implausible_) return;
  const std::size_t room = bytes.size() / kEntry;
  for (Entry before = last(); entries_ < room; ++entries_) {
    const Entry next = entry(entries_);
    if (next.offset == 0 && next.position == 0) return;
    // An append at the very beginning has no entry.
    if (next.offset <= before.offset || next.position <= before.position) {
      implausible_ = true;
      entries_ = 0;
      return;
    }
    if (next.position >= log_size) return;
    before = next;
  }
}

OffsetIndex::Entry OffsetIndex::at_most(std::int64_t offset) const noexcept {
  const std::size_t found =
      count_before(entries_, [&](std::size_t at) { return entry(at).offset <= offset; });
  return found == 0 ? Entry{} : entry(found - 1);
}

OffsetIndex::Entry OffsetIndex::below(std::uint64_t position) const noexcept {
  const std::size_t found =
      count_before(entries_, [&](std::size_t at) { return entry(at).position < position; });
  return found == 0 ? Entry{} : entry(found - 1);
}

TimeIndex::TimeIndex(std::string_view bytes) noexcept : data_(bytes.data()) {
  if (bytes.size() % kEntry != 0) return;
  const std::size_t room = bytes.size() / kEntry;
  Entry before{.timestamp = -1, .offset = 0};
  for (; entries_ < room; ++entries_) {
    const Entry next = entry(entries_);
    if (next.timestamp == 0 && next.offset == 0) return;
    if (next.timestamp <= before.timestamp || next.offset < before.offset) {
      entries_ = 0;
      return;
    }
    before = next;
  }
}

TimeIndex::Entry TimeIndex::entry(std::size_t at) const noexcept {
  const char* const from = data_ + at * kEntry;
  return {.timestamp = load_big_endian<std::int64_t>(from),
          .offset = load_big_endian<std::int32_t>(from + 8)};
}

std::optional<TimeIndex::Entry> TimeIndex::last() const noexcept {
  if (entries_ == 0) return std::nullopt;
  return entry(entries_ - 1);
}

std::optional<TimeIndex::Entry> TimeIndex::below(std::int64_t timestamp) const noexcept {
  const std::size_t found =
      count_before(entries_, [&](std::size_t at) { return entry(at).timestamp < timestamp; });
  if (found == 0) return std::nullopt;
  return entry(found - 1);
}

std::vector<AbortedTransaction> read_transaction_index(std::string_view bytes) {
  std::vector<AbortedTransaction> found;
  for (; bytes.size() >= kTransaction; bytes.remove_prefix(kTransaction)) {
    const char* const at = bytes.data() + 2;
    const AbortedTransaction next{.producer_id = load_big_endian<std::int64_t>(at),
                                  .first_offset = load_big_endian<std::int64_t>(at + 8),
                                  .last_offset = load_big_endian<std::int64_t>(at + 16),
                                  .last_stable = load_big_endian<std::int64_t>(at + 24)};
    const bool is_one = load_big_endian<std::int16_t>(bytes.data()) == 0 && next.first_offset >= 0 &&
                        next.last_offset >= next.first_offset;
    if (!is_one || (!found.empty() && next.last_offset <= found.back().last_offset)) break;
    found.push_back(next);
  }
  return found;
}

}  // namespace sluice::log
