// LeaveGroup: members go, without waiting until they are missed.
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

struct LeaveGroupRequest {
  static constexpr ApiKey kKey = ApiKey::kLeaveGroup;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::optional<std::string> reason;
    static constexpr auto fields() {
      return std::tuple{
          field(&Member::member_id),
          field(&Member::group_instance_id),
          field(&Member::reason).since(5),
      };
    }
  };

  std::string group_id;
  std::string member_id;
  std::vector<Member> members;
  static constexpr auto fields() {
    return std::tuple{
        field(&LeaveGroupRequest::group_id),
        field(&LeaveGroupRequest::member_id).until(2),
        field(&LeaveGroupRequest::members).since(3),
    };
  }
};

struct LeaveGroupResponse {
  static constexpr ApiKey kKey = ApiKey::kLeaveGroup;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    ErrorCode error_code = ErrorCode::kNone;
    static constexpr auto fields() {
      return std::tuple{
          field(&Member::member_id),
          field(&Member::group_instance_id),
          field(&Member::error_code),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Member> members;
  static constexpr auto fields() {
    return std::tuple{
        field(&LeaveGroupResponse::throttle_time_ms).since(1),
        field(&LeaveGroupResponse::error_code),
        field(&LeaveGroupResponse::members).since(3),
    };
  }
};

}  // namespace sluice::kafka
