#include "broker/fetch_call.h"

#include <algorithm>
#include <chrono>

namespace sluice::broker {

using kafka::ErrorCode;

namespace {

constexpr std::int8_t kReadCommitted = 1;
// A response keeps the segments open that it is sent from, and descriptors are few: who asks for ten thousand partitions
// gets them by and by.
constexpr std::size_t kMostFiles = 256;
constexpr int kKnowsStorageError = 6;  // the first version whose clients do

std::uint64_t at_least_zero(std::int32_t value) noexcept {
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

// What a partition has grown by since its last segment began at `base` and had `size` bytes.
std::uint64_t growth(const log::PartitionView& view, std::int64_t base, std::uint64_t size) noexcept {
  std::uint64_t sum = 0;
  for (auto segment = view.segments.rbegin(); segment != view.segments.rend(); ++segment) {
    if (segment->base_offset < base) break;
    sum += segment->size;
    if (segment->base_offset == base) sum -= std::min(size, sum);
  }
  return sum;
}

}  // namespace

FetchCall::FetchCall(Asking& asking, kafka::FetchRequest request)
    : broker_(asking.broker),
      reply_(reply_to(asking)),
      answered_(std::move(asking.answered)),
      request_(std::move(request)) {
  for (const auto& wanted : request_.topics) {
    const log::Topic* const topic = find(wanted);
    if (topic != nullptr && topic->name == broker_.access_topic) asking.asked.of_access_log = true;
  }
  if (request_.topics.empty()) return;
  const kafka::FetchRequest::Topic& first = request_.topics.front();
  const log::Topic* const topic = find(first);
  asking.asked.subject = topic == nullptr ? first.topic : topic->name;
  if (!first.partitions.empty())
    asking.asked.subject += "-" + std::to_string(first.partitions.front().partition);
  if (request_.topics.size() > 1 || first.partitions.size() > 1) asking.asked.subject += "...";
}

FetchCall::~FetchCall() { stop_waiting(); }

bool FetchCall::begin() {
  if (!gather()) return false;
  if (enough()) return true;
  wait();
  return false;
}

// --- gathering ---

log::Topic* FetchCall::find(const kafka::FetchRequest::Topic& wanted) const {
  constexpr int kTopicIds = 13;  // the first version that has them
  return reply_.version >= kTopicIds ? broker_.catalog.find(wanted.topic_id)
                                     : broker_.catalog.find(wanted.topic);
}

std::int64_t FetchCall::readable_end(const log::PartitionView& view) const noexcept {
  return request_.isolation_level == kReadCommitted ? view.last_stable : view.end;
}

bool FetchCall::gather() {
  while (topic_ < request_.topics.size()) {
    const kafka::FetchRequest::Topic& wanted = request_.topics[topic_];
    if (response_.responses.size() == topic_) {
      auto& begun = response_.responses.emplace_back();
      begun.topic = wanted.topic;
      begun.topic_id = wanted.topic_id;
      begun.partitions.reserve(wanted.partitions.size());
    }
    log::Topic* const topic = find(wanted);
    const auto& told = response_.responses.back().partitions;
    while (told.size() < wanted.partitions.size())
      if (!add(topic, wanted.partitions[told.size()])) return false;
    ++topic_;
  }
  return true;
}

// Every partition that was asked for is answered, whatever became of it.
bool FetchCall::add(log::Topic* topic, const Wanted& wanted) {
  Told told{.partition_index = wanted.partition};
  const log::Partition* const partition =
      topic == nullptr ? nullptr : log::Catalog::partition_of(*topic, wanted.partition);
  if (request_.replica_id >= 0 || request_.replica_state.replica_id >= 0) {
    told.error_code = ErrorCode::kNotLeaderOrFollower;  // there are no followers here
  } else if (partition == nullptr) {
    const bool by_id = topic == nullptr && reply_.version >= 13;
    told.error_code = by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
  } else if (wanted.fetch_offset < partition->view->log_start || wanted.fetch_offset > partition->view->end) {
    told.error_code = ErrorCode::kOffsetOutOfRange;
  } else if (!fill(*partition->view, wanted, told)) {
    return false;
  }
  at_once_ = at_once_ || told.error_code != ErrorCode::kNone;
  response_.responses.back().partitions.push_back(std::move(told));
  return true;
}

bool FetchCall::fill(const log::PartitionView& view, const Wanted& wanted, Told& told) {
  const std::int64_t before = readable_end(view);
  const std::int64_t from = wanted.fetch_offset;
  std::int64_t next = from;
  const std::uint64_t all = std::min(at_least_zero(request_.max_bytes), broker_.config.fetch);
  const std::uint64_t left = all - std::min(all, bytes_);
  const std::uint64_t most = std::min(at_least_zero(wanted.partition_max_bytes), left);
  // The first batch of all is sent whatever its size, so that no client is stuck before a large one. KIP-74.
  const bool first_whole = bytes_ == 0;
  if (from < before && files_ >= kMostFiles) {
    at_once_ = true;  // the next fetch has the others
  } else if (from < before && (most != 0 || first_whole)) {
    log::Slice slice =
        broker_.reader.find(view, {.from = from, .before = before, .most = most, .first_whole = first_whole},
                            ticket_, [this] { go_on(); });
    if (slice.found == log::Find::kPending) return false;
    if (slice.found == log::Find::kFailed) {
      told.error_code = slice.error == EBADMSG                 ? ErrorCode::kCorruptMessage
                        : reply_.version >= kKnowsStorageError ? ErrorCode::kKafkaStorageError
                                                               : ErrorCode::kNotLeaderOrFollower;
      return true;
    }
    next = slice.next;
    bytes_ += slice.bytes;
    files_ += slice.ranges.size();
    told.records = {.ranges = std::move(slice.ranges), .bytes = slice.bytes};
    // What is not of the last segment will not grow: there is nothing to wait for.
    if (slice.bytes != 0 && from < view.segments.back().base_offset) at_once_ = true;
  }
  told.high_watermark = view.end;
  told.last_stable_offset = view.last_stable;
  told.log_start_offset = view.log_start;
  if (request_.isolation_level == kReadCommitted) add_aborted(view, from, next, told);
  return true;
}

void FetchCall::add_aborted(const log::PartitionView& view, std::int64_t from, std::int64_t before,
                            Told& told) const {
  auto& list = told.aborted_transactions.emplace();
  const auto first = std::lower_bound(
      view.aborted.begin(), view.aborted.end(), from,
      [](const log::AbortedTransaction& each, std::int64_t offset) { return each.last_offset < offset; });
  for (auto each = first; each != view.aborted.end(); ++each)
    if (each->first_offset < before)
      list.push_back({.producer_id = each->producer_id, .first_offset = each->first_offset});
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
}

bool FetchCall::enough() const noexcept {
  const std::uint64_t wanted = std::min(at_least_zero(request_.min_bytes), at_least_zero(request_.max_bytes));
  return last_time_ || at_once_ || request_.max_wait_ms <= 0 || request_.topics.empty() || bytes_ >= wanted;
}

void FetchCall::go_on() {
  if (!gather()) return;
  if (enough()) return answer();
  wait();
}

void FetchCall::answer() {
  stop_waiting();
  const Answered answered = std::move(answered_);  // this may be destroyed on the way
  answered(response());
}

// --- waiting ---

void FetchCall::wait() {
  const auto longest = std::min<std::chrono::milliseconds>(std::chrono::milliseconds(request_.max_wait_ms),
                                                           broker_.config.longest_wait);
  broker_.loop.deadlines().set(*this, broker_.loop.now() + longest);
  broker_.counters.kafka_waiting.add();
  std::size_t count = 0;
  for (const auto& topic : request_.topics) count += topic.partitions.size();
  waiting_ = std::make_unique<Waiting[]>(count);
  available_ = bytes_;
  for (std::size_t t = 0; t < request_.topics.size(); ++t) {
    log::Topic* const topic = find(request_.topics[t]);
    if (topic == nullptr) continue;
    for (std::size_t p = 0; p < request_.topics[t].partitions.size(); ++p) {
      const Wanted& wanted = request_.topics[t].partitions[p];
      log::Partition* const partition = log::Catalog::partition_of(*topic, wanted.partition);
      if (partition == nullptr) continue;
      Waiting& waiting = waiting_[waiting_count_++];
      waiting.call = this;
      waiting.partition = partition;
      waiting.from = wanted.fetch_offset;
      waiting.base = partition->view->segments.back().base_offset;
      waiting.size = partition->view->segments.back().size;
      waiting.most = at_least_zero(wanted.partition_max_bytes);
      waiting.available = response_.responses[t].partitions[p].records.bytes;
      partition->interests.push_back(waiting);
    }
  }
}

void FetchCall::stop_waiting() {
  if (waiting_ == nullptr) return;
  broker_.counters.kafka_waiting.subtract();
  changed_.clear();
  waiting_.reset();
  waiting_count_ = 0;
  Deadline::cancel();
}

// All that changes in this turn is looked at once, in the next.
void FetchCall::Waiting::on_change() {
  if (std::exchange(changed, true)) return;
  call->changed_.push_back(this);
  call->broker_.loop.defer(*call);
}

// True: there is nothing left to wait for.
bool FetchCall::count(Waiting& waiting) {
  waiting.changed = false;
  if (waiting.partition->view == nullptr) return true;
  const log::PartitionView& view = *waiting.partition->view;
  if (waiting.from < view.log_start || waiting.from > view.end) return true;
  if (waiting.from >= readable_end(view)) return false;  // an open transaction grew
  const std::uint64_t available =
      std::min(waiting.most, waiting.available + growth(view, waiting.base, waiting.size));
  available_ += available - std::min(available, waiting.available);
  waiting.available = available;
  waiting.base = view.segments.back().base_offset;
  waiting.size = view.segments.back().size;
  return available_ >= std::min(at_least_zero(request_.min_bytes), at_least_zero(request_.max_bytes));
}

void FetchCall::run_deferred() {
  bool over = false;
  for (Waiting* waiting : changed_) over = count(*waiting) || over;
  changed_.clear();
  if (!over) return;
  broker_.counters.kafka_wakes.add();
  gather_again();
}

void FetchCall::on_deadline() { gather_again(); }

void FetchCall::hurry() {
  if (waiting_ != nullptr) gather_again();
}

void FetchCall::gather_again() {
  stop_waiting();
  last_time_ = true;
  response_ = {};
  topic_ = 0;
  bytes_ = 0;
  files_ = 0;
  go_on();
}

}  // namespace sluice::broker
