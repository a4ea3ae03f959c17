// Metadata: brokers, topics, and who leads their partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"
#include "kafka/types.h"

namespace sluice::kafka {

struct MetadataRequest {
  static constexpr ApiKey kKey = ApiKey::kMetadata;

  struct Topic {
    Uuid topic_id{};
    std::optional<std::string> name;  // null: by its id, since 12
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::topic_id).since(10),
          field(&Topic::name).nullable_since(10),
      };
    }
  };

  std::optional<std::vector<Topic>> topics;  // null: all. In version 0 an empty list is all
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;
  static constexpr auto fields() {
    return std::tuple{
        field(&MetadataRequest::topics).nullable_since(1),
        field(&MetadataRequest::allow_auto_topic_creation).since(4),
        field(&MetadataRequest::include_cluster_authorized_operations).since(8).until(10),
        field(&MetadataRequest::include_topic_authorized_operations).since(8),
    };
  }
};

struct MetadataResponse {
  static constexpr ApiKey kKey = ApiKey::kMetadata;

  struct Broker {
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    static constexpr auto fields() {
      return std::tuple{
          field(&Broker::node_id),
          field(&Broker::host),
          field(&Broker::port),
          field(&Broker::rack).since(1),
      };
    }
  };
  struct Partition {
    ErrorCode error_code = ErrorCode::kNone;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes;
    std::vector<std::int32_t> isr_nodes;
    std::vector<std::int32_t> offline_replicas;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::error_code),
          field(&Partition::partition_index),
          field(&Partition::leader_id),
          field(&Partition::leader_epoch).since(7),
          field(&Partition::replica_nodes),
          field(&Partition::isr_nodes),
          field(&Partition::offline_replicas).since(5),
      };
    }
  };
  struct Topic {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> name;
    Uuid topic_id{};
    bool is_internal = false;
    std::vector<Partition> partitions;
    std::int32_t topic_authorized_operations = kOperationsNotAsked;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::error_code),  // of the topic as a whole
          field(&Topic::name).nullable_since(12),
          field(&Topic::topic_id).since(10),
          field(&Topic::is_internal).since(1),
          field(&Topic::partitions),
          field(&Topic::topic_authorized_operations).since(8),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Topic> topics;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;
  static constexpr auto fields() {
    return std::tuple{
        field(&MetadataResponse::throttle_time_ms).since(3),
        field(&MetadataResponse::brokers),
        field(&MetadataResponse::cluster_id).since(2),
        field(&MetadataResponse::controller_id).since(1),
        field(&MetadataResponse::topics),
        field(&MetadataResponse::cluster_authorized_operations).since(8).until(10),
    };
  }
};

}  // namespace sluice::kafka
