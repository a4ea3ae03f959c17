#include "log/time_lookup.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "log/names.h"
#include "log/open_segment.h"
#include "log/record.h"
#include "os/bus_guard.h"

namespace sluice::log {

namespace {

// What offsets count: from where the log starts to where the look-up ends.
struct Bounds {
  std::int64_t from, before;
};

// The time index of a segment that grows no more, and so tells of all its records.
std::optional<TimeIndex::Entry> last_time_of(const std::string& directory, const SegmentView& segment) {
  Mapped file;
  if (file.open(path_of(directory, segment.base_offset, FileKind::kTimeIndex), 1) != 0) return std::nullopt;
  std::optional<TimeIndex::Entry> last;
  const std::string_view bytes = file.memory.bytes().substr(0, file.size);
  if (!os::guarded([&] { last = TimeIndex(bytes).last(); })) return std::nullopt;
  return last;
}

// Going through the batches of one segment.
class Walk {
 public:
  Walk(const PartitionView& view, const SegmentView& segment, Bounds bounds)
      : directory_(view.directory), view_(segment), bounds_(bounds) {
    segment_ = OpenSegment::open(directory_, view_, OpenSegment::Index::kAsFound, error_);
  }

  // To the batch that contains `offset`, or the first one behind it. false: there is none, or error().
  bool to(std::int64_t offset) {
    return step([&](const SegmentLookup& lookup) { return lookup.reaching(std::max(offset, bounds_.from)); });
  }
  bool next() {
    return step([&](const SegmentLookup& lookup) { return lookup.at(place_.position + head().size()); });
  }
  // To where records since `timestamp` may be.
  bool to_time(std::int64_t timestamp) {
    std::optional<TimeIndex::Entry> entry;
    Mapped file;
    if (file.open(path_of(directory_, view_.base_offset, FileKind::kTimeIndex), 1) == 0) {
      const std::string_view bytes = file.memory.bytes().substr(0, file.size);
      if (!os::guarded([&] { entry = TimeIndex(bytes).below(timestamp); })) entry.reset();
    }
    return to(view_.base_offset + (entry ? entry->offset : 0));
  }

  [[nodiscard]] const BatchHead& head() const noexcept { return place_.head; }
  [[nodiscard]] int error() const noexcept { return error_; }

  // Tells `visit` of the batch's records within the bounds until it says false. false: they can't be read.
  template <typename Visit>
  bool records(Visit visit) {
    const std::size_t size = head().size();
    bytes_.resize(size);
    if (!os::guarded([&] { segment_->log().copy(bytes_.data(), size, place_.position); })) {
      error_ = ESTALE;
      return false;
    }
    reader_.begin(head(), bytes_);
    while (reader_.next(record_)) {
      const bool counts = record_.offset >= bounds_.from && record_.offset < bounds_.before;
      if (counts && !visit(record_)) return true;
    }
    return !reader_.failed();
  }

 private:
  template <typename Find>
  bool step(Find find) {
    if (error_ != 0) return false;
    Place place;
    if (!os::guarded([&] { place = find(segment_->lookup(view_.size, nullptr)); })) error_ = ESTALE;
    if (place.look == Look::kLying && !segment_->indexed_anew()) {
      segment_ = OpenSegment::open(directory_, view_, OpenSegment::Index::kAnew, error_);
      return step(find);
    }
    if (place.look == Look::kCorrupt || place.look == Look::kLying) error_ = EBADMSG;
    place_ = place;
    return error_ == 0 && place.look == Look::kFound && head().base_offset < bounds_.before;
  }

  const std::string& directory_;
  const SegmentView& view_;
  const Bounds bounds_;
  std::shared_ptr<OpenSegment> segment_;
  Place place_;
  RecordReader reader_;
  Record record_;
  std::string bytes_;
  int error_ = 0;
};

TimedRecord first_since(const PartitionView& view, const SegmentView& segment, std::int64_t timestamp,
                        Bounds bounds) {
  TimedRecord found;
  Walk walk(view, segment, bounds);
  for (bool is_there = walk.to_time(timestamp); is_there && found.offset == -1; is_there = walk.next()) {
    if (walk.head().max_timestamp < timestamp) continue;
    const bool read = walk.records([&](const Record& record) {
      if (record.timestamp < timestamp) return true;
      found = {.error = 0, .offset = record.offset, .timestamp = record.timestamp};
      return false;
    });
    if (!read && walk.error() == 0) {
      found = {.error = 0,
               .offset = std::max(walk.head().base_offset, bounds.from),
               .timestamp = walk.head().max_timestamp};
    }
  }
  if (found.offset == -1) found.error = walk.error();
  return found;
}

// The largest timestamp of a segment's records within the bounds; `error`, errno.
std::int64_t largest_in(const PartitionView& view, const SegmentView& segment, Bounds bounds, int& error) {
  const bool grows = &segment == &view.segments.back();
  const bool counts_whole = segment.base_offset >= bounds.from && segment.end_offset <= bounds.before;
  std::int64_t largest = kNoTimestamp, from = segment.base_offset;
  if (counts_whole) {
    if (const auto last = last_time_of(view.directory, segment)) {
      largest = last->timestamp;
      from += last->offset;
      if (!grows) return largest;
    }
  }
  Walk walk(view, segment, bounds);
  for (bool is_there = walk.to(from); is_there; is_there = walk.next()) {
    if (walk.head().max_timestamp <= largest) continue;
    // Only a batch at a bound has records that don't count.
    const bool counts = walk.head().base_offset >= bounds.from && walk.head().last_offset() < bounds.before;
    if (counts || !walk.records([&](const Record& record) {
          largest = std::max(largest, record.timestamp);
          return true;
        })) {
      largest = std::max(largest, walk.head().max_timestamp);
    }
  }
  error = walk.error();
  return largest;
}

}  // namespace

TimedRecord first_record_since(const PartitionView& view, std::int64_t timestamp, std::int64_t before) {
  const Bounds bounds{.from = view.log_start, .before = before};
  for (const SegmentView& segment : view.segments) {
    if (segment.size == 0 || segment.end_offset <= bounds.from) continue;
    if (segment.base_offset >= before) break;
    if (&segment != &view.segments.back()) {
      const auto last = last_time_of(view.directory, segment);
      if (last && last->timestamp < timestamp) continue;
    }
    const TimedRecord found = first_since(view, segment, timestamp, bounds);
    if (found.offset != -1 || found.error != 0) return found;
  }
  return {};
}

TimedRecord youngest_record(const PartitionView& view, std::int64_t before) {
  const Bounds bounds{.from = view.log_start, .before = before};
  std::int64_t largest = kNoTimestamp;
  const SegmentView* in = nullptr;
  for (const SegmentView& segment : view.segments) {
    if (segment.size == 0 || segment.end_offset <= bounds.from) continue;
    if (segment.base_offset >= before) break;
    int error = 0;
    const std::int64_t its = largest_in(view, segment, bounds, error);
    if (error != 0) return {.error = error};
    if (its > largest) {
      largest = its;
      in = &segment;
    }
  }
  return in == nullptr ? TimedRecord{} : first_since(view, *in, largest, bounds);
}

}  // namespace sluice::log
