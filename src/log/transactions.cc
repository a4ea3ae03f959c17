#include "log/transactions.h"

#include <algorithm>

#include "base/big_endian.h"

namespace sluice::log {

namespace {

// A snapshot: i16 version, u32 CRC-32C of what follows it, i32 count; then for each producer i64 id, i16 epoch, i32 last
// sequence, i64 last offset, i32 offset delta, i64 timestamp, i32 coordinator epoch, i64 first offset of its open
// transaction, or -1.
constexpr std::size_t kCrc = 2, kCovered = kCrc + 4, kEntries = kCovered + 4;
constexpr std::size_t kFirstOffset = 8 + 2 + 4 + 8 + 4 + 8 + 4, kEntry = kFirstOffset + 8;
constexpr std::int16_t kVersion = 1;

// A marker's key: i16 version, i16 type.
constexpr std::size_t kMarkerType = 2, kMarkerKey = kMarkerType + 2;

}  // namespace

std::optional<Marker> marker_of(std::string_view key) noexcept {
  if (key.size() < kMarkerKey || load_big_endian<std::int16_t>(key.data()) < 0) return std::nullopt;
  switch (load_big_endian<std::int16_t>(key.data() + kMarkerType)) {
    case 0:
      return Marker::kAbort;
    case 1:
      return Marker::kCommit;
    default:  // of a quorum's leader, of later times
      return std::nullopt;
  }
}

bool Transactions::begin_with(std::string_view snapshot) {
  if (snapshot.size() < kEntries || load_big_endian<std::int16_t>(snapshot.data()) != kVersion) return false;
  if (load_big_endian<std::uint32_t>(snapshot.data() + kCrc) != crc32c(snapshot.substr(kCovered)))
    return false;
  const auto count = load_big_endian<std::uint32_t>(snapshot.data() + kCovered);
  if (snapshot.size() - kEntries != std::uint64_t{count} * kEntry) return false;
  open_.clear();
  for (std::size_t at = kEntries; at != snapshot.size(); at += kEntry) {
    const auto first = load_big_endian<std::int64_t>(snapshot.data() + at + kFirstOffset);
    if (first >= 0) open_.insert_or_assign(load_big_endian<std::int64_t>(snapshot.data() + at), first);
  }
  return true;
}

void Transactions::on_data(const BatchHead& head) { open_.try_emplace(head.producer_id, head.base_offset); }

void Transactions::on_marker(const BatchHead& head, Marker marker) {
  const auto open = open_.find(head.producer_id);
  if (open == open_.end()) return;  // it ends a transaction that left nothing here
  AbortedTransaction ended{.producer_id = head.producer_id,
                           .first_offset = open->second,
                           .last_offset = head.last_offset(),
                           .last_stable = 0};
  open_.erase(open);
  if (marker == Marker::kCommit) return;
  ended.last_stable = last_stable(ended.last_offset + 1);
  add_aborted({ended});
}

void Transactions::add_aborted(const std::vector<AbortedTransaction>& more) {
  bool ascending = true;  // nearly always
  for (const AbortedTransaction& each : more) {
    ascending = ascending && (aborted_.empty() || aborted_.back().last_offset < each.last_offset);
    aborted_.push_back(each);
  }
  if (ascending) return;
  std::stable_sort(aborted_.begin(), aborted_.end(),
                   [](const auto& a, const auto& b) { return a.last_offset < b.last_offset; });
  // A marker's offset is nobody else's.
  const auto twice = std::unique(aborted_.begin(), aborted_.end(),
                                 [](const auto& a, const auto& b) { return a.last_offset == b.last_offset; });
  aborted_.erase(twice, aborted_.end());
}

void Transactions::forget_below(std::int64_t offset) {
  std::erase_if(aborted_, [&](const AbortedTransaction& each) { return each.last_offset < offset; });
}

std::int64_t Transactions::last_stable(std::int64_t end) const noexcept {
  const auto oldest = std::min_element(open_.begin(), open_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return oldest == open_.end() ? end : std::min(oldest->second, end);
}

}  // namespace sluice::log
