// ListGroups: all groups.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct ListGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::kListGroups;

  std::vector<std::string> states_filter;  // empty: all
  static constexpr auto fields() {
    return std::tuple{
        field(&ListGroupsRequest::states_filter).since(4),
    };
  }
};

struct ListGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::kListGroups;

  struct Group {
    std::string group_id;
    std::string protocol_type;
    std::string group_state;
    static constexpr auto fields() {
      return std::tuple{
          field(&Group::group_id),
          field(&Group::protocol_type),
          field(&Group::group_state).since(4),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Group> groups;
  static constexpr auto fields() {
    return std::tuple{
        field(&ListGroupsResponse::throttle_time_ms).since(1),
        field(&ListGroupsResponse::error_code),
        field(&ListGroupsResponse::groups),
    };
  }
};

}  // namespace sluice::kafka
