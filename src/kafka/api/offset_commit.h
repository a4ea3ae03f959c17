// OffsetCommit: how far a group has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct OffsetCommitRequest {
  static constexpr ApiKey kKey = ApiKey::kOffsetCommit;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::committed_offset),
          field(&Partition::committed_leader_epoch).since(6),
          field(&Partition::committed_metadata),
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

  std::string group_id;
  std::int32_t generation_id_or_member_epoch = -1;  // -1, and no member: from outside the group
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::int64_t retention_time_ms = -1;
  std::vector<Topic> topics;
  static constexpr auto fields() {
    return std::tuple{
        field(&OffsetCommitRequest::group_id),
        field(&OffsetCommitRequest::generation_id_or_member_epoch),
        field(&OffsetCommitRequest::member_id),
        field(&OffsetCommitRequest::group_instance_id).since(7),
        field(&OffsetCommitRequest::retention_time_ms).until(4),
        field(&OffsetCommitRequest::topics),
    };
  }
};

struct OffsetCommitResponse {
  static constexpr ApiKey kKey = ApiKey::kOffsetCommit;

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::error_code),
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
        field(&OffsetCommitResponse::throttle_time_ms).since(3),
        field(&OffsetCommitResponse::topics),
    };
  }
};

}  // namespace sluice::kafka
