// DeleteGroups: groups without members, and their offsets, go.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct DeleteGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::kDeleteGroups;

  std::vector<std::string> groups_names;
  static constexpr auto fields() {
    return std::tuple{
        field(&DeleteGroupsRequest::groups_names),
    };
  }
};

struct DeleteGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::kDeleteGroups;

  struct Result {
    std::string group_id;
    ErrorCode error_code = ErrorCode::kNone;
    static constexpr auto fields() {
      return std::tuple{
          field(&Result::group_id),
          field(&Result::error_code),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Result> results;
  static constexpr auto fields() {
    return std::tuple{
        field(&DeleteGroupsResponse::throttle_time_ms),
        field(&DeleteGroupsResponse::results),
    };
  }
};

}  // namespace sluice::kafka
