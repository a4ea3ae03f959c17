// OffsetForLeaderEpoch: where an epoch of a partition's leader ended.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey kKey = ApiKey::kOffsetForLeaderEpoch;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int32_t leader_epoch = 0;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition),
          field(&Partition::current_leader_epoch),
          field(&Partition::leader_epoch),
      };
    }
  };
  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::topic),
          field(&Topic::partitions),
      };
    }
  };

  std::int32_t replica_id = -2;
  std::vector<Topic> topics;
  static constexpr auto fields() {
    return std::tuple{
        field(&OffsetForLeaderEpochRequest::replica_id).since(3),
        field(&OffsetForLeaderEpochRequest::topics),
    };
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr ApiKey kKey = ApiKey::kOffsetForLeaderEpoch;

  struct EpochEndOffset {
    ErrorCode error_code = ErrorCode::kNone;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t end_offset = -1;
    static constexpr auto fields() {
      return std::tuple{
          field(&EpochEndOffset::error_code),
          field(&EpochEndOffset::partition),
          field(&EpochEndOffset::leader_epoch),
          field(&EpochEndOffset::end_offset),
      };
    }
  };
  struct Topic {
    std::string topic;
    std::vector<EpochEndOffset> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::topic),
          field(&Topic::partitions),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  static constexpr auto fields() {
    return std::tuple{
        field(&OffsetForLeaderEpochResponse::throttle_time_ms),
        field(&OffsetForLeaderEpochResponse::topics),
    };
  }
};

}  // namespace sluice::kafka
