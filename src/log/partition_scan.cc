#include "log/partition_scan.h"

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "log/checkpoints.h"
#include "log/index.h"
#include "log/record.h"
#include "os/file.h"
#include "os/list_directory.h"

namespace sluice::log {

namespace {

// How many batches a look reads at once for their transactions: with a producer snapshot that is nearly always all.
constexpr std::size_t kAtOnce = 1024;

// A control batch has one small record.
constexpr std::size_t kMostMarker = 4_KiB;

constexpr int kWrittenAnew = -1;  // no errno: what is known of the last segment is no longer true

}  // namespace

// What stands in the directory, each ascending.
struct PartitionScan::Listing {
  std::vector<std::int64_t> segments, snapshots, transaction_indexes;
  bool replacing = false;  // a broker is about to put a compacted segment in the place of others
  Uuid topic_id{};

  int read(const std::string& path) {
    std::vector<std::string> names;
    if (const int error = os::list_directory(path, names); error != 0) return error;
    for (const std::string& name : names) {
      if (name == "partition.metadata") topic_id = parse_topic_id(read_text(path + "/" + name).value_or(""));
      replacing = replacing || name.ends_with(".log.swap");
      const auto file = log_file_named(name);
      if (!file) continue;
      if (file->kind == FileKind::kLog) segments.push_back(file->offset);
      if (file->kind == FileKind::kSnapshot) snapshots.push_back(file->offset);
      if (file->kind == FileKind::kTransactionIndex) transaction_indexes.push_back(file->offset);
    }
    for (auto* each : {&segments, &snapshots, &transaction_indexes}) std::sort(each->begin(), each->end());
    return 0;
  }

  [[nodiscard]] bool has(std::int64_t base_offset) const {
    return std::binary_search(segments.begin(), segments.end(), base_offset);
  }
};

PartitionScan::PartitionScan(std::string path, const PartitionName& name, bool clean)
    : path_(std::move(path)), topic_(name.topic), index_(name.index), clean_(clean) {}

Looked PartitionScan::look() {
  Listing listing;
  const int unread = listing.read(path_);
  if (unread == ENOENT || unread == ENOTDIR) {  // not a partition, or not any more
    segments_.clear();
    return {.changed = make_view()};
  }
  if (unread != 0) return {.error = unread};
  const bool renamed = listing.topic_id != Uuid{} && listing.topic_id != topic_id_;
  if (renamed) {
    if (topic_id_ != Uuid{}) segments_.clear();  // another topic of the same name
    topic_id_ = listing.topic_id;
  }
  int error = segments_.empty() ? kWrittenAnew : go_on(listing);
  if (error == kWrittenAnew) error = begin(listing);
  if (error != 0) return {.changed = renamed, .error = error};
  return {.changed = make_view() || renamed};
}

Looked PartitionScan::catch_up(std::size_t batches) {
  const int error = read_transactions(batches);
  return {.changed = make_view(), .error = error};
}

Looked PartitionScan::look_for_growth() {
  if (segments_.empty()) return look();
  const int error = grow();
  if (error == kWrittenAnew || error == ENOENT) return look();
  return {.changed = make_view(), .error = error};
}

bool PartitionScan::set_log_start(std::int64_t offset) {
  log_start_ = offset;
  return make_view();
}

int PartitionScan::begin(const Listing& listing) {
  segments_.clear();
  std::vector<Segment> found;
  for (const std::int64_t base : listing.segments) {
    Segment segment{.view = {.base_offset = base, .end_offset = base}};
    const bool last = base == listing.segments.back();
    const Check check = last && !clean_ ? Check::kCrc : Check::kNone;
    if (const int error = measure(segment, end_, check); error != 0) return error;
    found.push_back(segment);
  }
  clean_ = false;  // whatever comes now is written while we look
  segments_ = std::move(found);
  if (segments_.empty()) return 0;
  load_transactions(listing);
  return read_transactions(kAtOnce);
}

int PartitionScan::measure(Segment& segment, ValidEnd& end, Check check) const {
  const SegmentFile file = open_segment(path_, segment.view.base_offset);
  if (file.error != 0) return file.error;
  end = find_end(file, path_, segment.view.base_offset, check);
  set_end(segment, end, file);
  return 0;
}

void PartitionScan::set_end(Segment& segment, const ValidEnd& end, const SegmentFile& file) {
  segment.view.end_offset = end.offset;
  segment.view.size = end.position;
  segment.view.inode = file.inode;
  segment.file_size = file.size;
}

// What was found in front of the last segment stays where its file is the same; new segments stand behind it. A broker that
// compacts renames the old files away before it puts the new one in place: until it has, the list stays.
int PartitionScan::go_on(const Listing& listing) {
  const std::int64_t last = segments_.back().view.base_offset;
  const auto missing = [&](const Segment& each) { return !listing.has(each.view.base_offset); };
  if (listing.replacing && std::any_of(segments_.begin(), segments_.end(), missing)) return grow();
  if (!listing.has(last)) return kWrittenAnew;
  if (const int error = grow(); error != 0) return error;

  std::vector<Segment> found;
  auto known = segments_.begin();
  for (const std::int64_t base : listing.segments) {
    if (base > last) break;
    while (known->view.base_offset < base) ++known;
    Segment segment = *known;
    if (known->view.base_offset != base) segment = {.view = {.base_offset = base, .end_offset = base}};
    if (base != last) {
      struct stat status {};
      int error = 0;
      if (!os::status_of(path_of(path_, base, FileKind::kLog), status, error)) return error;
      const bool same = segment.view.inode == status.st_ino &&
                        segment.file_size == static_cast<std::uint64_t>(status.st_size);
      ValidEnd end;
      if (!same) error = measure(segment, end, Check::kNone);
      if (error != 0) return error;
    }
    found.push_back(segment);
  }
  segments_ = std::move(found);
  for (const std::int64_t base : listing.segments) {
    if (base <= last) continue;
    if (const int error = append_segment(base); error != 0) return error;
  }
  return 0;
}

int PartitionScan::append_segment(std::int64_t base_offset) {
  const SegmentFile file = open_segment(path_, base_offset);
  if (file.error != 0) return file.error;
  segments_.push_back({.view = {.base_offset = base_offset, .end_offset = base_offset, .inode = file.inode}});
  const bool even = !behind();
  end_ = {.offset = base_offset};
  if (even) tracked_ = base_offset;
  return grow();
}

int PartitionScan::grow() {
  Segment& segment = segments_.back();
  const SegmentFile file = open_segment(path_, segment.view.base_offset);
  if (file.error != 0) return file.error;
  if (file.inode != segment.view.inode || !still_ends(file, end_)) return kWrittenAnew;
  const bool even = !behind();  // else they have their turn later
  (void)advance(file, end_, Check::kNone, [&](std::uint64_t position, const BatchHead& head) {
    if (even) track(file, position, head);
    return true;
  });
  if (even) tracked_ = end_.offset;
  set_end(segment, end_, file);
  return 0;
}

void PartitionScan::load_transactions(const Listing& listing) {
  transactions_ = {};
  tracked_ = segments_.back().view.base_offset;
  walk_base_ = -1;
  for (auto at = listing.snapshots.rbegin(); at != listing.snapshots.rend(); ++at) {
    if (*at > end_.offset) continue;  // of a log that was cut since
    const auto snapshot = read_text(path_of(path_, *at, FileKind::kSnapshot));
    if (!snapshot || !transactions_.begin_with(*snapshot)) continue;
    tracked_ = *at;
    break;
  }
  for (const std::int64_t base : listing.transaction_indexes) {
    const auto index = read_text(path_of(path_, base, FileKind::kTransactionIndex));
    if (index) transactions_.add_aborted(read_transaction_index(*index));
  }
}

int PartitionScan::read_transactions(std::size_t batches) {
  for (const Segment& segment : segments_) {
    if (segment.view.end_offset <= tracked_) continue;
    SegmentFile file = open_segment(path_, segment.view.base_offset);
    if (file.error != 0) return file.error;
    file.size = std::min(file.size, segment.view.size);
    if (walk_base_ != segment.view.base_offset || walk_inode_ != file.inode) {
      walk_ = find_before(file, path_, segment.view.base_offset, tracked_);
      walk_base_ = segment.view.base_offset;
      walk_inode_ = file.inode;
    }
    (void)advance(file, walk_, Check::kNone, [&](std::uint64_t position, const BatchHead& head) {
      if (head.last_offset() >= tracked_) track(file, position, head);
      return --batches != 0;
    });
    if (batches == 0) {
      tracked_ = std::max(tracked_, walk_.offset);
      return 0;
    }
    tracked_ = segment.view.end_offset;
  }
  tracked_ = end_.offset;
  return 0;
}

void PartitionScan::track(const SegmentFile& file, std::uint64_t position, const BatchHead& head) {
  if (!head.transactional()) return;
  if (!head.control()) return transactions_.on_data(head);
  std::string batch(std::min(head.size(), kMostMarker), '\0');
  const os::IoResult result = os::read_at(file.fd.get(), batch, position);
  if (!result.ok() || result.bytes != head.size()) return;
  RecordReader records;
  records.begin(head, batch);
  Record record;
  if (!records.next(record)) return;
  if (const auto marker = marker_of(record.key.value_or(""))) transactions_.on_marker(head, *marker);
}

// Whether it is another one.
bool PartitionScan::make_view() {
  if (segments_.empty()) return std::exchange(view_, nullptr) != nullptr;
  const std::int64_t start = std::min(std::max(segments_.front().view.base_offset, log_start_), end_.offset);
  const std::int64_t stable = transactions_.last_stable(std::min(tracked_, end_.offset));
  const auto same = [](const SegmentView& view, const Segment& segment) { return view == segment.view; };
  if (view_ != nullptr && view_->log_start == start && view_->end == end_.offset &&
      view_->last_stable == stable &&
      std::equal(view_->segments.begin(), view_->segments.end(), segments_.begin(), segments_.end(), same)) {
    return false;
  }
  transactions_.forget_below(start);
  auto view = std::make_shared<PartitionView>();
  view->topic = topic_;
  view->index = index_;
  view->directory = path_;
  view->segments.reserve(segments_.size());
  for (const Segment& segment : segments_) view->segments.push_back(segment.view);
  view->log_start = start;
  view->end = end_.offset;
  view->last_stable = stable;
  view->aborted = transactions_.aborted();
  view_ = std::move(view);
  return true;
}

}  // namespace sluice::log
