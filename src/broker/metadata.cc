// Metadata: topics, their partitions, and that all of them are led by the one broker.
#include "base/topic_name.h"
#include "broker/asking.h"

namespace sluice::broker {

namespace {

using kafka::ErrorCode;
using Response = kafka::MetadataResponse;

// Read and describe, as bits of Kafka's AclOperation: all that anybody may do here.
constexpr std::int32_t kReadAndDescribe = 1 << 3 | 1 << 8;

Response::Topic told(const log::Topic& topic, bool operations) {
  Response::Topic out{.name = topic.name, .topic_id = topic.id, .is_internal = topic.internal};
  out.topic_authorized_operations = operations ? kReadAndDescribe : kafka::kOperationsNotAsked;
  for (const auto& partition : topic.partitions) {
    if (partition == nullptr || partition->view == nullptr) continue;
    out.partitions.push_back({.partition_index = partition->index,
                              .leader_id = kNode,
                              .replica_nodes = {kNode},
                              .isr_nodes = {kNode}});
  }
  return out;
}

}  // namespace

Taken metadata(Asking& asking, kafka::MetadataRequest request) {
  Broker& broker = asking.broker;
  const bool operations = request.include_topic_authorized_operations;
  Response response{.cluster_id = broker.cluster, .controller_id = kNode};
  response.brokers.push_back({.node_id = kNode, .host = broker.host, .port = broker.port});
  response.cluster_authorized_operations =
      request.include_cluster_authorized_operations ? kReadAndDescribe : kafka::kOperationsNotAsked;

  // Version 0 has no null: an empty list means all.
  const bool all = !request.topics || (asking.header.version == 0 && request.topics->empty());
  if (all) {
    for (const auto& [name, topic] : broker.catalog.topics())
      if (topic->exists()) response.topics.push_back(told(*topic, operations));
    return at_once(asking, response);
  }
  for (const auto& wanted : *request.topics) {
    const bool by_name = wanted.name.has_value();
    const log::Topic* const topic =
        by_name ? broker.catalog.find(*wanted.name) : broker.catalog.find(wanted.topic_id);
    if (topic != nullptr && topic->exists()) {
      response.topics.push_back(told(*topic, operations));
      continue;
    }
    Response::Topic unknown{.name = wanted.name, .topic_id = wanted.topic_id};
    unknown.topic_authorized_operations = kafka::kOperationsNotAsked;
    unknown.error_code = !by_name                      ? ErrorCode::kUnknownTopicId
                         : is_topic_name(*wanted.name) ? ErrorCode::kUnknownTopicOrPartition
                                                       : ErrorCode::kInvalidTopic;
    response.topics.push_back(std::move(unknown));
  }
  return at_once(asking, response);
}

}  // namespace sluice::broker
