#include "log/segment.h"

#include <algorithm>
#include <limits>

#include "base/big_endian.h"
#include "base/bytes.h"

namespace sluice::log {

Place SegmentLookup::at(std::uint64_t position) const noexcept {
  Place place{.look = Look::kNone, .position = position, .head = {}};
  if (position >= log_.size()) return place;
  const std::string_view rest = log_.substr(static_cast<std::size_t>(position));
  if (pages_ != nullptr && !pages_->here(position, std::min(rest.size(), kBatchHead))) {
    place.look = Look::kCold;
  } else {
    // A torn one can't be: the log is known to end with a whole batch.
    place.look = read_head(rest, rest.size(), place.head) == Scan::kBatch ? Look::kFound : Look::kCorrupt;
  }
  return place;
}

Place SegmentLookup::reaching(std::int64_t offset) const noexcept {
  const OffsetIndex::Entry entry = index_.at_most(offset - base_);
  std::uint64_t position = entry.position;
  for (int heads = 0;; ++heads) {
    Place place = at(position);
    if (heads == 0 && position != 0 && place.look != Look::kCold) {
      const bool is_it = place.look == Look::kFound && place.head.base_offset <= base_ + entry.offset;
      if (!is_it) place.look = Look::kLying;
    }
    if (place.look != Look::kFound || place.head.last_offset() >= offset) return place;
    if (pages_ != nullptr && heads == kMostHeads) return {.look = Look::kFar, .position = position, .head = {}};
    position += place.head.size();
  }
}

Stretch SegmentLookup::fitting(std::uint64_t start, std::uint64_t limit, std::int64_t before) const noexcept {
  limit = std::min<std::uint64_t>(limit, log_.size());
  // The last entry that is surely within both bounds; one that points at the limit would tell nothing of what ends there.
  const std::uint64_t indexed =
      std::min(index_.below(limit).position, index_.at_most(before - base_).position);
  const std::uint64_t first = std::max(start, indexed);
  Stretch stretch{.look = Look::kFound, .position = first, .end = first, .next = 0};
  for (int heads = 0; stretch.end < limit; ++heads) {
    const Place place = at(stretch.end);
    if (place.look == Look::kCold) return {.look = Look::kCold, .position = place.position};
    if (place.look == Look::kCorrupt) {
      if (heads == 0) stretch.look = first == start ? Look::kCorrupt : Look::kLying;
      return stretch;
    }
    if (place.head.base_offset >= before || stretch.end + place.head.size() > limit) {
      if (heads == 0) stretch.next = place.head.base_offset;
      break;
    }
    if (pages_ != nullptr && heads == kMostHeads) return {.look = Look::kFar, .position = place.position};
    stretch.end += place.head.size();
    stretch.next = place.head.last_offset() + 1;
  }
  if (stretch.end == start) stretch.look = Look::kNone;
  return stretch;
}

void build_index(std::string_view log, std::int64_t base_offset, std::string& entries) {
  constexpr std::uint64_t kInterval = 4_KiB;
  OffsetIndex index;
  index.extend(entries, log.size());
  entries.resize(index.entries() * OffsetIndex::kEntry);
  const std::uint64_t known = index.last().position;
  const SegmentLookup lookup(log, base_offset, index);
  std::uint64_t last = known;
  for (Place place = lookup.at(known); place.look == Look::kFound;
       place = lookup.at(place.position + place.head.size())) {
    const std::int64_t offset = place.head.last_offset() - base_offset;
    if (offset < 0 || offset > std::numeric_limits<std::int32_t>::max()) return;
    if (place.position - last <= kInterval) continue;
    char entry[OffsetIndex::kEntry];
    store_big_endian(entry, static_cast<std::int32_t>(offset));
    store_big_endian(entry + 4, static_cast<std::uint32_t>(place.position));
    entries.append(entry, sizeof entry);
    last = place.position;
  }
}

}  // namespace sluice::log
