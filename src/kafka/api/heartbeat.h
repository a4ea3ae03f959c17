// Heartbeat: a member is alive, and hears whether its group is about to change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct HeartbeatRequest {
  static constexpr ApiKey kKey = ApiKey::kHeartbeat;

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  static constexpr auto fields() {
    return std::tuple{
        field(&HeartbeatRequest::group_id),
        field(&HeartbeatRequest::generation_id),
        field(&HeartbeatRequest::member_id),
        field(&HeartbeatRequest::group_instance_id).since(3),
    };
  }
};

struct HeartbeatResponse {
  static constexpr ApiKey kKey = ApiKey::kHeartbeat;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  static constexpr auto fields() {
    return std::tuple{
        field(&HeartbeatResponse::throttle_time_ms).since(1),
        field(&HeartbeatResponse::error_code),
    };
  }
};

}  // namespace sluice::kafka
