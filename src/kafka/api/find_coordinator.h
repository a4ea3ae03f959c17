// FindCoordinator: which broker looks after a group.
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

struct FindCoordinatorRequest {
  static constexpr ApiKey kKey = ApiKey::kFindCoordinator;

  std::string key;
  std::int8_t key_type = 0;  // 0 group, 1 transaction
  std::vector<std::string> coordinator_keys;
  static constexpr auto fields() {
    return std::tuple{
        field(&FindCoordinatorRequest::key).until(3),
        field(&FindCoordinatorRequest::key_type).since(1),
        field(&FindCoordinatorRequest::coordinator_keys).since(4),
    };
  }
};

struct FindCoordinatorResponse {
  static constexpr ApiKey kKey = ApiKey::kFindCoordinator;

  struct Coordinator {
    std::string key;
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message;
    static constexpr auto fields() {
      return std::tuple{
          field(&Coordinator::key),
          field(&Coordinator::node_id),  // -1 with an error
          field(&Coordinator::host),
          field(&Coordinator::port),  // likewise
          field(&Coordinator::error_code), field(&Coordinator::error_message),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::vector<Coordinator> coordinators;
  static constexpr auto fields() {
    return std::tuple{
        field(&FindCoordinatorResponse::throttle_time_ms).since(1),
        field(&FindCoordinatorResponse::error_code).until(3),
        field(&FindCoordinatorResponse::error_message).since(1).until(3),
        field(&FindCoordinatorResponse::node_id).until(3),
        field(&FindCoordinatorResponse::host).until(3),
        field(&FindCoordinatorResponse::port).until(3),
        field(&FindCoordinatorResponse::coordinators).since(4),
    };
  }
};

}  // namespace sluice::kafka
