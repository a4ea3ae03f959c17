// ListOffsets: which offset belongs to a time, or to an end of the log.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct ListOffsetsRequest {
  static constexpr ApiKey kKey = ApiKey::kListOffsets;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t timestamp =
        0;  // or -1 latest, -2 earliest, -3 (since 7) of the largest timestamp, -4 (since 8) earliest local
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::current_leader_epoch).since(4),
          field(&Partition::timestamp),
      };
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::name),
          field(&Topic::partitions),
      };
    }
  };

  std::int32_t replica_id = -1;
  std::int8_t isolation_level = 0;
  std::vector<Topic> topics;
  static constexpr auto fields() {
    return std::tuple{
        field(&ListOffsetsRequest::replica_id),
        field(&ListOffsetsRequest::isolation_level).since(2),
        field(&ListOffsetsRequest::topics),
    };
  }
};

struct ListOffsetsResponse {
  static constexpr ApiKey kKey = ApiKey::kListOffsets;

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::int64_t timestamp = -1;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::error_code),
          field(&Partition::timestamp),
          field(&Partition::offset),
          field(&Partition::leader_epoch).since(4),
      };
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::name),
          field(&Topic::partitions),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  static constexpr auto fields() {
    return std::tuple{
        field(&ListOffsetsResponse::throttle_time_ms).since(2),
        field(&ListOffsetsResponse::topics),
    };
  }
};

}  // namespace sluice::kafka
