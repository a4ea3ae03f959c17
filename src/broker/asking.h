// What the files of this folder, each of which answers a few APIs, have in common. For others: broker.h.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "broker/broker.h"
#include "kafka/codec.h"
#include "kafka/header.h"

namespace sluice::broker {

// One request, its header read.
struct Asking {
  Broker& broker;
  kafka::RequestHeader header;
  Answered answered;
  Asked& asked;
};

// How an answer is written: what is left of a request when its own bytes are gone.
struct Reply {
  std::int32_t correlation_id = 0;
  std::int16_t version = 0;
  template <typename Response>
  [[nodiscard]] relay::Body of(const Response& response) const {
    return kafka::encode(correlation_id, version, response);
  }
};
inline Reply reply_to(const Asking& asking) noexcept {
  return {asking.header.correlation_id, asking.header.version};
}

template <typename Response>
Taken at_once(const Asking& asking, const Response& response) {
  return {.answer = reply_to(asking).of(response)};
}

// Empty: so many partitions may be asked for in one request.
template <typename Topics>
std::string too_many(const Asking& asking, const Topics& topics) {
  std::size_t count = 0;
  for (const auto& topic : topics) count += topic.partitions.size();
  const std::size_t most = asking.broker.config.partitions;
  return count <= most && topics.size() <= most
             ? ""
             : std::to_string(count) + " partitions are more than kafka.partitions allows";
}

// One function an API. All are given a decoded request.
Taken api_versions(Asking& asking, kafka::ApiVersionsRequest request);
Taken metadata(Asking& asking, kafka::MetadataRequest request);
Taken describe_cluster(Asking& asking, kafka::DescribeClusterRequest request);
Taken list_offsets(Asking& asking, kafka::ListOffsetsRequest request);
Taken fetch(Asking& asking, kafka::FetchRequest request);
Taken produce(Asking& asking, kafka::ProduceRequest request);
Taken find_coordinator(Asking& asking, kafka::FindCoordinatorRequest request);
Taken join_group(Asking& asking, kafka::JoinGroupRequest request);
Taken sync_group(Asking& asking, kafka::SyncGroupRequest request);
Taken heartbeat(Asking& asking, kafka::HeartbeatRequest request);
Taken leave_group(Asking& asking, kafka::LeaveGroupRequest request);
Taken offset_commit(Asking& asking, kafka::OffsetCommitRequest request);
Taken offset_fetch(Asking& asking, kafka::OffsetFetchRequest request);
Taken describe_groups(Asking& asking, kafka::DescribeGroupsRequest request);
Taken list_groups(Asking& asking, kafka::ListGroupsRequest request);
Taken delete_groups(Asking& asking, kafka::DeleteGroupsRequest request);

}  // namespace sluice::broker
