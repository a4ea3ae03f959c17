// OffsetFetch: how far groups have come; one group until version 7, a list of them since.
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

struct OffsetFetchRequest {
  static constexpr ApiKey kKey = ApiKey::kOffsetFetch;

  struct Topic {
    std::string name;
    std::vector<std::int32_t> partition_indexes;
    static constexpr auto fields() {
      return std::tuple{
          field(&Topic::name),
          field(&Topic::partition_indexes),
      };
    }
  };
  struct Group {
    std::string group_id;
    std::optional<std::string> member_id;
    std::int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics;  // null: all
    static constexpr auto fields() {
      return std::tuple{
          field(&Group::group_id),
          field(&Group::member_id).since(9),
          field(&Group::member_epoch).since(9),
          field(&Group::topics),
      };
    }
  };

  std::string group_id;
  std::optional<std::vector<Topic>> topics;  // null: all
  std::vector<Group> groups;
  bool require_stable = false;
  static constexpr auto fields() {
    return std::tuple{
        field(&OffsetFetchRequest::group_id).until(7),
        field(&OffsetFetchRequest::topics).until(7).nullable_since(2),
        field(&OffsetFetchRequest::groups).since(8),
        field(&OffsetFetchRequest::require_stable).since(7),
    };
  }
};

struct OffsetFetchResponse {
  static constexpr ApiKey kKey = ApiKey::kOffsetFetch;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = -1;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata;
    ErrorCode error_code = ErrorCode::kNone;
    static constexpr auto fields() {
      return std::tuple{
          field(&Partition::partition_index),
          field(&Partition::committed_offset),
          field(&Partition::committed_leader_epoch).since(5),
          field(&Partition::metadata),
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
  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    ErrorCode error_code = ErrorCode::kNone;
    static constexpr auto fields() {
      return std::tuple{
          field(&Group::group_id),
          field(&Group::topics),
          field(&Group::error_code),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Group> groups;
  static constexpr auto fields() {
    return std::tuple{
        field(&OffsetFetchResponse::throttle_time_ms).since(3),
        field(&OffsetFetchResponse::topics).until(7),
        field(&OffsetFetchResponse::error_code).since(2).until(7),
        field(&OffsetFetchResponse::groups).since(8),
    };
  }
};

}  // namespace sluice::kafka
