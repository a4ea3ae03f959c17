// JoinGroup: one member's wish to take part, answered when the group is complete.
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

struct JoinGroupRequest {
  static constexpr ApiKey kKey = ApiKey::kJoinGroup;

  struct Protocol {
    std::string name;
    std::string metadata;
    static constexpr auto fields() {
      return std::tuple{
          field(&Protocol::name),
          bytes(&Protocol::metadata),
      };
    }
  };

  std::string group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;  // -1: the session's
  std::string member_id;                   // "": a new one is given
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<Protocol> protocols;  // the best first
  std::optional<std::string> reason;
  static constexpr auto fields() {
    return std::tuple{
        field(&JoinGroupRequest::group_id),
        field(&JoinGroupRequest::session_timeout_ms),
        field(&JoinGroupRequest::rebalance_timeout_ms).since(1),
        field(&JoinGroupRequest::member_id),
        field(&JoinGroupRequest::group_instance_id).since(5),
        field(&JoinGroupRequest::protocol_type),
        field(&JoinGroupRequest::protocols),
        field(&JoinGroupRequest::reason).since(8),
    };
  }
};

struct JoinGroupResponse {
  static constexpr ApiKey kKey = ApiKey::kJoinGroup;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string metadata;
    static constexpr auto fields() {
      return std::tuple{
          field(&Member::member_id),
          field(&Member::group_instance_id).since(5),
          bytes(&Member::metadata),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;  // for the leader only
  static constexpr auto fields() {
    return std::tuple{
        field(&JoinGroupResponse::throttle_time_ms).since(2),
        field(&JoinGroupResponse::error_code),
        field(&JoinGroupResponse::generation_id),
        field(&JoinGroupResponse::protocol_type).since(7),
        field(&JoinGroupResponse::protocol_name).nullable_since(7),
        field(&JoinGroupResponse::leader),
        field(&JoinGroupResponse::skip_assignment).since(9),
        field(&JoinGroupResponse::member_id),
        field(&JoinGroupResponse::members),
    };
  }
};

}  // namespace sluice::kafka
