// SyncGroup: the leader's assignments, and each member's own.
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

struct SyncGroupRequest {
  static constexpr ApiKey kKey = ApiKey::kSyncGroup;

  struct Assignment {
    std::string member_id;
    std::string assignment;
    static constexpr auto fields() {
      return std::tuple{
          field(&Assignment::member_id),
          bytes(&Assignment::assignment),
      };
    }
  };

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<Assignment> assignments;  // the leader's only
  static constexpr auto fields() {
    return std::tuple{
        field(&SyncGroupRequest::group_id),
        field(&SyncGroupRequest::generation_id),
        field(&SyncGroupRequest::member_id),
        field(&SyncGroupRequest::group_instance_id).since(3),
        field(&SyncGroupRequest::protocol_type).since(5),
        field(&SyncGroupRequest::protocol_name).since(5),
        field(&SyncGroupRequest::assignments),
    };
  }
};

struct SyncGroupResponse {
  static constexpr ApiKey kKey = ApiKey::kSyncGroup;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string assignment;
  static constexpr auto fields() {
    return std::tuple{
        field(&SyncGroupResponse::throttle_time_ms).since(1),
        field(&SyncGroupResponse::error_code),
        field(&SyncGroupResponse::protocol_type).since(5),
        field(&SyncGroupResponse::protocol_name).since(5),
        bytes(&SyncGroupResponse::assignment),
    };
  }
};

}  // namespace sluice::kafka
