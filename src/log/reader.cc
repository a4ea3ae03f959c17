#include "log/reader.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/list.h"
#include "log/open_segment.h"
#include "log/time_lookup.h"
#include "os/bus_guard.h"
#include "relay/residency.h"

namespace sluice::log {

namespace {

struct KeyView {
  std::string_view directory;
  std::int64_t base_offset;
  bool operator==(const KeyView&) const = default;
};
struct Key {
  std::string directory;
  std::int64_t base_offset;
  operator KeyView() const noexcept { return {directory, base_offset}; }
};
struct KeyHash {
  using is_transparent = void;
  std::size_t operator()(KeyView key) const noexcept {
    return std::hash<std::string_view>{}(key.directory) ^ std::hash<std::int64_t>{}(key.base_offset);
  }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(KeyView a, KeyView b) const noexcept { return a == b; }
};

struct Entry : ListLink {
  std::shared_ptr<OpenSegment> segment;
  int error = 0;  // of a job, to be told once
  os::Time at{};  // when that was
  const Key* key = nullptr;
};

// How long an outcome of a job waits for the call that asks again.
constexpr std::chrono::seconds kKeepOutcome{1};
// A slice ends after this many segments: each is open at the same time.
constexpr std::size_t kMostSegments = 32;

// Windows of a file, as the relay knows them: what was found here is not asked about again for a while.
class ResidentPages final : public Pages {
 public:
  ResidentPages(relay::File& file, std::uint64_t size, os::Time now) noexcept
      : file_(file), size_(size), now_(now) {}
  bool here(std::uint64_t position, std::size_t size) override {
    const std::uint64_t end = position + size;
    while (position < end) {
      const std::uint64_t window = position / relay::File::kWindow * relay::File::kWindow;
      if (!file_.known_resident(position, now_)) {
        if (!relay::is_resident(file_, window, std::min(window + relay::File::kWindow, size_))) return false;
        file_.remember_resident(position, now_);
      }
      position = window + relay::File::kWindow;
    }
    return true;
  }

 private:
  relay::File& file_;
  std::uint64_t size_;
  os::Time now_;
};

struct TimeOutcome {
  std::string directory;
  std::optional<std::int64_t> timestamp;  // nothing: the youngest
  TimedRecord record;
  os::Time at;
};

}  // namespace

struct Reader::Impl {
  using Map = std::unordered_map<Key, Entry, KeyHash, KeyEqual>;
  using Ready = std::function<void()>;
  using Index = OpenSegment::Index;

  loop::EventLoop& loop;
  loop::Offload& offload;
  const std::size_t capacity;
  Map entries{};
  List<Entry> by_use{};  // least recently used first
  std::vector<TimeOutcome> times{};

  // --- what is open ---------------------------------------------------------------------------------------
  Entry* find_entry(const std::string& directory, const SegmentView& view) {
    const auto at = entries.find(KeyView{directory, view.base_offset});
    if (at == entries.end()) return nullptr;
    Entry& entry = at->second;
    const bool usable =
        entry.error != 0 ? loop.now() - entry.at < kKeepOutcome : entry.segment->matches(view);
    if (usable) {
      by_use.push_back(entry);
      return &entry;
    }
    erase(entry);
    return nullptr;
  }

  void put(const std::string& directory, std::int64_t base_offset, std::shared_ptr<OpenSegment> segment,
           int error) {
    const auto [at, is_new] = entries.try_emplace(Key{directory, base_offset});
    Entry& entry = at->second;
    entry.key = &at->first;
    entry.segment = std::move(segment);
    entry.error = error;
    entry.at = loop.now();
    by_use.push_back(entry);
    while (entries.size() > capacity) erase(*by_use.front());
  }

  void erase(Entry& entry) { entries.erase(entries.find(static_cast<KeyView>(*entry.key))); }

  // --- off the loop ---------------------------------------------------------------------------------------
  Slice pending_if(bool queued) const {
    if (queued) return {.found = Find::kPending};
    return {.found = Find::kFailed, .error = EAGAIN};  // too many jobs wait
  }

  // Opens the segment at `first`, and those behind it that are not open and fit into `room`.
  Slice open(const PartitionView& view, const SegmentView* first, std::uint64_t room, std::size_t most,
             Index index, loop::Ticket& ticket, Ready ready) {
    struct Opening {
      SegmentView view;
      std::shared_ptr<OpenSegment> segment;
      int error = ENOMEM;  // what a job that throws leaves
    };
    const auto list = std::make_shared<std::vector<Opening>>();
    list->push_back({.view = *first, .segment = nullptr});
    const SegmentView* const end = view.segments.data() + view.segments.size();
    std::uint64_t bytes = first->size;
    for (const SegmentView* next = first + 1; next != end && bytes < room && list->size() < most; ++next) {
      bytes += next->size;
      if (next->size != 0 && find_entry(view.directory, *next) == nullptr)
        list->push_back({.view = *next, .segment = nullptr});
    }
    const auto work = [directory = view.directory, list, index] {
      for (Opening& each : *list) each.segment = OpenSegment::open(directory, each.view, index, each.error);
    };
    const auto done = [this, directory = view.directory, list, tell = std::move(ready)] {
      for (Opening& each : *list) put(directory, each.view.base_offset, std::move(each.segment), each.error);
      tell();
    };
    return pending_if(offload.run(loop, ticket, work, done));
  }

  // Brings in the window of `file` that holds `position`.
  Slice warm(const std::shared_ptr<relay::File>& file, std::uint64_t position, std::uint64_t size,
             Entry& entry, loop::Ticket& ticket, Ready ready) {
    const std::uint64_t from = position / relay::File::kWindow * relay::File::kWindow;
    const std::uint64_t to = std::min(from + relay::File::kWindow, size);
    const auto error = std::make_shared<int>(0);
    const auto work = [file, from, to, error] { *error = relay::bring_in(*file, from, to); };
    const auto done = [this, file, from, error, key = *entry.key, tell = std::move(ready)] {
      if (*error == 0) {
        file->remember_resident(from, loop.now());
      } else {
        put(key.directory, key.base_offset, nullptr, *error);
      }
      tell();
    };
    return pending_if(offload.run(loop, ticket, work, done));
  }

  AtTime by_time(const PartitionViewPtr& view, std::optional<std::int64_t> timestamp, std::int64_t before,
                 loop::Ticket& ticket, Ready ready);
  Slice find(const PartitionView& view, const Wanted& wanted, loop::Ticket& ticket, Ready& ready);
};

namespace {

// What one segment gives to a slice.
struct Taken {
  Look look = Look::kNone;
  std::uint64_t position = 0;        // kCold
  std::uint64_t start = 0, end = 0;  // kFound
  std::int64_t next = 0;             // kFound
};

// The batches of the segment from the offset `from` on, at most `room` bytes; with `whole` at least the first.
Taken take(OpenSegment& segment, const SegmentView& view, std::int64_t from, std::int64_t before,
           std::uint64_t room, bool whole, Pages& pages) noexcept {
  const SegmentLookup lookup = segment.lookup(view.size, &pages);
  Place first{.look = Look::kNone};
  if (const auto known = segment.recall(from)) {
    first = lookup.at(*known);
    // Whoever cut the segment and wrote on may have put another one there.
    if (first.look != Look::kCold && (first.look != Look::kFound || first.head.base_offset != from))
      first.look = Look::kNone;
  }
  if (first.look == Look::kNone) first = lookup.reaching(from);
  // It has to be there: the segment ends behind it.
  if (first.look == Look::kNone) return {.look = Look::kLying};
  if (first.look != Look::kFound) return {.look = first.look, .position = first.position};
  if (first.head.base_offset >= before) return {};

  Taken taken{.look = Look::kFound, .start = first.position, .end = view.size, .next = view.end_offset};
  if (room >= view.size - taken.start && before >= view.end_offset)
    return taken;  // all of it: no need to look
  const std::uint64_t limit = taken.start + std::min(room, view.size - taken.start);
  const Stretch stretch = lookup.fitting(taken.start, limit, before);
  if (stretch.look == Look::kFound) {
    taken.end = stretch.end;
    taken.next = stretch.next;
  } else if (stretch.look == Look::kNone && whole) {
    taken.end = taken.start + first.head.size();
    taken.next = first.head.last_offset() + 1;
  } else {
    return {.look = stretch.look, .position = stretch.position};
  }
  return taken;
}

}  // namespace

Slice Reader::Impl::find(const PartitionView& view, const Wanted& wanted, loop::Ticket& ticket,
                         Ready& ready) {
  Slice slice{.next = wanted.from};
  // The error of a later segment waits until it is the first.
  const auto failed = [&](int error) {
    if (slice.ranges.empty()) {
      slice.found = Find::kFailed;
      slice.error = error;
    }
    return slice;
  };
  const SegmentView* const end = view.segments.data() + view.segments.size();
  const SegmentView* at =
      std::upper_bound(view.segments.data(), end, wanted.from,
                       [](std::int64_t from, const SegmentView& s) { return from < s.end_offset; });
  const std::size_t most_segments = std::min(kMostSegments, capacity);
  for (; at != end && slice.ranges.size() < most_segments && at->base_offset < wanted.before; ++at) {
    if (at->size == 0) continue;
    const bool whole = wanted.first_whole && slice.ranges.empty();
    const std::uint64_t room = wanted.most - std::min(wanted.most, slice.bytes);
    if (room == 0 && !whole) break;

    Entry* const entry = find_entry(view.directory, *at);
    const std::size_t more = most_segments - slice.ranges.size();
    if (entry == nullptr) return open(view, at, room, more, Index::kAsFound, ticket, std::move(ready));
    if (const int error = entry->error; error != 0) {
      erase(*entry);
      return failed(error);
    }
    const std::shared_ptr<OpenSegment> segment = entry->segment;
    if (const auto& index = segment->index_file(); index != nullptr) {
      ResidentPages pages(*index, segment->index_size(), loop.now());
      for (std::uint64_t from = 0; from < segment->index_size(); from += relay::File::kWindow) {
        if (!pages.here(from, 1))
          return warm(index, from, segment->index_size(), *entry, ticket, std::move(ready));
      }
    }
    ResidentPages pages(*segment->file(), at->size, loop.now());
    Taken taken;
    if (!os::guarded([&] { taken = take(*segment, *at, slice.next, wanted.before, room, whole, pages); })) {
      erase(*entry);  // it was cut
      return failed(ESTALE);
    }
    switch (taken.look) {
      case Look::kFound:
        break;
      case Look::kNone:
        return slice;
      case Look::kCold:
        return warm(segment->file(), taken.position, at->size, *entry, ticket, std::move(ready));
      case Look::kFar:
        if (segment->completed(at->size)) return failed(EBADMSG);  // offsets that no index can hold
        return open(view, at, 0, 1, Index::kCompleted, ticket, std::move(ready));
      case Look::kLying:
        if (!segment->indexed_anew()) return open(view, at, 0, 1, Index::kAnew, ticket, std::move(ready));
        return failed(EBADMSG);
      case Look::kCorrupt:
        return failed(EBADMSG);
    }
    segment->remember(taken.next, taken.end);
    slice.ranges.push_back(
        {.file = segment->file(), .offset = taken.start, .length = taken.end - taken.start});
    slice.bytes += taken.end - taken.start;
    slice.next = taken.next;
    if (taken.end != at->size) break;
  }
  return slice;
}

AtTime Reader::Impl::by_time(const PartitionViewPtr& view, std::optional<std::int64_t> timestamp,
                             std::int64_t before, loop::Ticket& ticket, Ready ready) {
  std::erase_if(times, [&](const TimeOutcome& each) { return loop.now() - each.at >= kKeepOutcome; });
  const auto at = std::find_if(times.begin(), times.end(), [&](const TimeOutcome& each) {
    return each.timestamp == timestamp && each.directory == view->directory && each.record.offset < before;
  });
  if (at != times.end()) {
    const TimedRecord record = at->record;
    times.erase(at);
    return {.found = record.error == 0 ? Find::kFound : Find::kFailed,
            .error = record.error,
            .offset = record.offset,
            .timestamp = record.timestamp};
  }
  const auto record =
      std::make_shared<TimedRecord>(TimedRecord{.error = ENOMEM});  // what a job that throws leaves
  const auto work = [view, timestamp, before, record] {
    *record = timestamp ? first_record_since(*view, *timestamp, before) : youngest_record(*view, before);
  };
  const auto done = [this, view, timestamp, record, tell = std::move(ready)] {
    times.push_back(
        {.directory = view->directory, .timestamp = timestamp, .record = *record, .at = loop.now()});
    tell();
  };
  if (offload.run(loop, ticket, work, done)) return {.found = Find::kPending};
  return {.found = Find::kFailed, .error = EAGAIN};
}

Reader::Reader(loop::EventLoop& loop, loop::Offload& offload, std::size_t capacity)
    : impl_(new Impl{.loop = loop, .offload = offload, .capacity = std::max<std::size_t>(capacity, 1)}) {}

Reader::~Reader() = default;

Slice Reader::find(const PartitionView& view, const Wanted& wanted, loop::Ticket& ticket,
                   std::function<void()> ready) {
  return impl_->find(view, wanted, ticket, ready);
}

AtTime Reader::find_time(const PartitionViewPtr& view, std::int64_t timestamp, std::int64_t before,
                         loop::Ticket& ticket, std::function<void()> ready) {
  return impl_->by_time(view, timestamp, before, ticket, std::move(ready));
}

AtTime Reader::find_youngest(const PartitionViewPtr& view, std::int64_t before, loop::Ticket& ticket,
                             std::function<void()> ready) {
  return impl_->by_time(view, std::nullopt, before, ticket, std::move(ready));
}

std::size_t Reader::open_segments() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(impl_->entries.begin(), impl_->entries.end(),
                    [](const auto& each) { return each.second.segment != nullptr; }));
}

}  // namespace sluice::log
