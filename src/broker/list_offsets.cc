// ListOffsets: the first and the last offset of partitions, and the first one at or after a time.
#include "broker/asking.h"

namespace sluice::broker {

namespace {

using kafka::ErrorCode;
using Wanted = kafka::ListOffsetsRequest::Partition;
using Told = kafka::ListOffsetsResponse::Partition;

// What a timestamp below zero stands for.
constexpr std::int64_t kLatest = -1, kEarliest = -2, kYoungest = -3, kEarliestLocal = -4;

// Partitions one after the other: a look-up by time may have to wait for a disk.
class OffsetsCall final : public Call {
 public:
  OffsetsCall(Asking& asking, kafka::ListOffsetsRequest request)
      : broker_(asking.broker),
        reply_(reply_to(asking)),
        answered_(std::move(asking.answered)),
        request_(std::move(request)) {}

  // True: the response is whole.
  bool run() {
    while (topic_ < request_.topics.size()) {
      const auto& wanted = request_.topics[topic_];
      if (response_.topics.size() == topic_) response_.topics.emplace_back().name = wanted.name;
      auto& out = response_.topics.back().partitions;
      while (out.size() < wanted.partitions.size()) {
        const auto told = look_up(wanted.name, wanted.partitions[out.size()]);
        if (!told) return false;
        out.push_back(*told);
      }
      ++topic_;
    }
    return true;
  }
  [[nodiscard]] relay::Body response() const { return reply_.of(response_); }

 private:
  // Nothing: it takes a while, and ready() is called.
  std::optional<Told> look_up(const std::string& name, const Wanted& wanted) {
    Told told{.partition_index = wanted.partition_index};
    log::Topic* const topic = broker_.catalog.find(name);
    log::Partition* const partition =
        topic == nullptr ? nullptr : log::Catalog::partition_of(*topic, wanted.partition_index);
    if (partition == nullptr) {
      told.error_code = ErrorCode::kUnknownTopicOrPartition;
      return told;
    }
    const log::PartitionViewPtr& view = partition->view;
    const std::int64_t before = request_.isolation_level == 1 ? view->last_stable : view->end;
    switch (wanted.timestamp) {
      case kLatest:
        told.offset = before;
        return told;
      case kEarliest:
      case kEarliestLocal:
        told.offset = view->log_start;
        return told;
      case kYoungest:
        return at(broker_.reader.find_youngest(view, before, ticket_, [this] { ready(); }), told);
      default:
        break;
    }
    if (wanted.timestamp < 0) {
      told.error_code = ErrorCode::kUnsupportedVersion;
      return told;
    }
    return at(broker_.reader.find_time(view, wanted.timestamp, before, ticket_, [this] { ready(); }), told);
  }

  static std::optional<Told> at(const log::AtTime& found, Told told) {
    if (found.found == log::Find::kPending) return std::nullopt;
    if (found.found == log::Find::kFailed) {
      told.error_code = ErrorCode::kKafkaStorageError;
      return told;
    }
    told.offset = found.offset;
    told.timestamp = found.timestamp;
    return told;
  }

  void ready() {
    if (!run()) return;
    const Answered answered = std::move(answered_);  // this may be destroyed on the way
    answered(response());
  }

  Broker& broker_;
  const Reply reply_;
  Answered answered_;
  const kafka::ListOffsetsRequest request_;
  kafka::ListOffsetsResponse response_;
  std::size_t topic_ = 0;
  loop::Ticket ticket_;
};

}  // namespace

Taken list_offsets(Asking& asking, kafka::ListOffsetsRequest request) {
  if (const std::string why = too_many(asking, request.topics); !why.empty()) return {.why = why};
  auto call = std::make_unique<OffsetsCall>(asking, std::move(request));
  if (call->run()) return {.answer = call->response()};
  return {.call = std::move(call)};
}

}  // namespace sluice::broker
