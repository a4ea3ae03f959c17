// Fetch: record batches from an offset on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"
#include "kafka/types.h"

namespace sluice::kafka {

struct FetchRequest {
  static constexpr ApiKey kKey = ApiKey::kFetch;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t fetch_offset = 0;
    std::int32_t last_fetched_epoch = -1;
    std::int64_t log_start_offset = -1;  // a follower's
    std::int32_t partition_max_bytes = 0;
    Uuid replica_directory_id{};
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition),
          field(&Partition::current_leader_epoch).since(9),
          field(&Partition::fetch_offset),
          field(&Partition::last_fetched_epoch).since(12),
          field(&Partition::log_start_offset).since(5),
          field(&Partition::partition_max_bytes),
          field(&Partition::replica_directory_id).since(17).tag(0),
      };
    }
  };
  struct Topic {
    std::string topic;  // until 12
    Uuid topic_id{};    // since 13
    std::vector<Partition> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::topic).until(12),
          field(&Topic::topic_id).since(13),
          field(&Topic::partitions),
      };
    }
  };
  struct ForgottenTopic {
    std::string topic;  // until 12
    Uuid topic_id{};    // since 13
    std::vector<std::int32_t> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&ForgottenTopic::topic).until(12),
          field(&ForgottenTopic::topic_id).since(13),
          field(&ForgottenTopic::partitions),
      };
    }
  };
  struct ReplicaState {
    std::int32_t replica_id = -1;
    std::int64_t replica_epoch = -1;
    static constexpr auto fields() {
      return std::tuple{
          field(&ReplicaState::replica_id),
          field(&ReplicaState::replica_epoch),
      };
    }
  };

  std::int32_t replica_id = -1;  // until 14: who asks; -1 is a consumer
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = 0x7fffffff;
  std::int8_t isolation_level = 0;  // 1: only what was committed
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;
  std::string rack_id;
  std::optional<std::string> cluster_id;
  ReplicaState replica_state;  // since 15, in place of replica_id
  static constexpr auto fields() {
    return std::tuple{
        field(&FetchRequest::replica_id).until(14),
        field(&FetchRequest::max_wait_ms),
        field(&FetchRequest::min_bytes),
        field(&FetchRequest::max_bytes),
        field(&FetchRequest::isolation_level),
        field(&FetchRequest::session_id).since(7),
        field(&FetchRequest::session_epoch).since(7),
        field(&FetchRequest::topics),
        field(&FetchRequest::forgotten_topics_data).since(7),
        field(&FetchRequest::rack_id).since(11),
        field(&FetchRequest::cluster_id).since(12).tag(0),
        field(&FetchRequest::replica_state).since(15).tag(1),
    };
  }
};

struct FetchResponse {
  static constexpr ApiKey kKey = ApiKey::kFetch;

  struct AbortedTransaction {
    std::int64_t producer_id = 0;
    std::int64_t first_offset = 0;
    static constexpr auto fields() {
      return std::tuple{
          field(&AbortedTransaction::producer_id),
          field(&AbortedTransaction::first_offset),
      };
    }
  };
  struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;
    static constexpr auto fields() {
      return std::tuple{
          field(&LeaderIdAndEpoch::leader_id),
          field(&LeaderIdAndEpoch::leader_epoch),
      };
    }
  };
  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t high_watermark = -1;
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    std::optional<std::vector<AbortedTransaction>> aborted_transactions;  // a list only for isolation level 1
    std::int32_t preferred_read_replica = -1;
    Records records;
    LeaderIdAndEpoch current_leader;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::error_code),
          field(&Partition::high_watermark),
          field(&Partition::last_stable_offset),
          field(&Partition::log_start_offset).since(5),
          field(&Partition::aborted_transactions),
          field(&Partition::preferred_read_replica).since(11),
          field(&Partition::records),
          field(&Partition::current_leader).since(12).tag(1),
      };
    }
  };
  struct Topic {
    std::string topic;  // until 12
    Uuid topic_id{};    // since 13
    std::vector<Partition> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::topic).until(12),
          field(&Topic::topic_id).since(13),
          field(&Topic::partitions),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t session_id = 0;  // 0: there is no session
  std::vector<Topic> responses;
  static constexpr auto fields() {
    return std::tuple{
        field(&FetchResponse::throttle_time_ms),
        field(&FetchResponse::error_code).since(7),
        field(&FetchResponse::session_id).since(7),
        field(&FetchResponse::responses),
    };
  }
};

}  // namespace sluice::kafka
