#include "content/partition_body.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "base/bytes.h"
#include "observe/log.h"

namespace sluice::content {

namespace {
constexpr std::uint64_t kSlice = 64_MiB;     // looked up at once
constexpr std::uint64_t kLineSlice = 4_MiB;  // ... to be made into lines
constexpr std::size_t kLines = 128_KiB;      // made at once
}  // namespace

std::int64_t visible_end(const log::PartitionView& view, LogFormat format) noexcept {
  return format == LogFormat::kBatches ? view.end : view.last_stable;
}

PartitionBody::PartitionBody(const LogMeans& means, log::Partition& partition, const LogQuery& query,
                             std::int64_t from, log::Slice first)
    : means_(means),
      partition_(partition),
      name_(partition.view->topic + "-" + std::to_string(partition.index)),
      format_(query.format),
      follow_(query.follow),
      next_(first.next),
      end_(visible_end(*partition.view, query.format)),
      ranges_(std::move(first.ranges)) {
  if (follow_) partition_.interests.push_back(*this);
  if (format_ != LogFormat::kBatches)
    work_ = std::make_shared<Work>(Work{.lines = RecordLines(format_, from), .text = {}, .failed = false});
  if (work_ != nullptr) work_->lines.begin(std::exchange(ranges_, {}), partition_.view);
}

void PartitionBody::on_change() {
  if (partition_.view != nullptr) end_ = visible_end(*partition_.view, format_);
  tell();
}

Growth PartitionBody::next(relay::Body& pieces) {
  if (ticket_.pending()) return Growth::kPending;
  for (;;) {
    if (const Growth given = give(pieces); given != Growth::kQuiet) return given;
    if (!follow_) return Growth::kEnd;
    if (const Growth found = find(); found != Growth::kPieces) return found;
  }
}

// What is found already; kQuiet: nothing.
Growth PartitionBody::give(relay::Body& pieces) {
  if (work_ != nullptr) return make_lines(pieces);
  if (ranges_.empty()) return Growth::kQuiet;
  for (relay::FileRange& range : ranges_) pieces.emplace_back(std::move(range));
  ranges_.clear();
  return Growth::kPieces;
}

Growth PartitionBody::make_lines(relay::Body& pieces) {
  if (!work_->text.empty()) {
    pieces.emplace_back(std::exchange(work_->text, {}));
    return Growth::kPieces;
  }
  if (work_->failed) {
    thread_local observe::Throttle unreadable{std::chrono::seconds(10)};
    if (const auto held = unreadable.pass(means_.loop.now()))
      spdlog::warn("{}: {} ({} times more since it was said last)", name_, work_->lines.why(), *held);
    return Growth::kFailed;
  }
  if (work_->lines.done()) return Growth::kQuiet;
  const bool queued = means_.offload.run(
      means_.loop, ticket_, [work = work_] { work->failed = !work->lines.more(work->text, kLines); },
      [this] {
        ticket_.drop();
        tell();
      });
  return queued ? Growth::kPending : Growth::kFailed;
}

// What was appended. kPieces: it is in ranges_, or with the lines.
Growth PartitionBody::find() {
  const log::PartitionViewPtr view = partition_.view;
  if (view == nullptr) return next_ >= end_ ? Growth::kEnd : Growth::kCut;
  if (next_ < view->log_start || next_ > view->end) return Growth::kCut;
  if (next_ >= end_) return Growth::kQuiet;
  log::Slice slice = means_.reader.find(
      *view,
      {.from = next_, .before = end_, .most = work_ == nullptr ? kSlice : kLineSlice, .first_whole = true},
      ticket_, [this] {
        ticket_.drop();
        tell();
      });
  switch (slice.found) {
    case log::Find::kPending:
      return Growth::kPending;
    case log::Find::kFailed:
      return Growth::kFailed;
    case log::Find::kFound:
      break;
  }
  if (slice.ranges.empty() && slice.next <= next_) return Growth::kQuiet;
  next_ = slice.next;
  if (work_ == nullptr) {
    ranges_ = std::move(slice.ranges);
  } else {
    work_->lines.begin(std::move(slice.ranges), view);
  }
  return Growth::kPieces;
}

}  // namespace sluice::content
