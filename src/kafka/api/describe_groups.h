// DescribeGroups: groups with their members.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"
#include "kafka/types.h"

namespace sluice::kafka {

struct DescribeGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::kDescribeGroups;

  std::vector<std::string> groups;
  bool include_authorized_operations = false;
  static constexpr auto fields() {
    return std::tuple{
        field(&DescribeGroupsRequest::groups),
        field(&DescribeGroupsRequest::include_authorized_operations).since(3),
    };
  }
};

struct DescribeGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::kDescribeGroups;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string client_id;
    std::string client_host;
    std::string member_metadata;
    std::string member_assignment;
    static constexpr auto fields() {
      return std::tuple{
          field(&Member::member_id),  // as the group knows it
          field(&Member::group_instance_id).since(4),
          field(&Member::client_id),
          field(&Member::client_host),
          bytes(&Member::member_metadata),
          bytes(&Member::member_assignment),
      };
    }
  };
  struct Group {
    ErrorCode error_code = ErrorCode::kNone;
    std::string group_id;
    std::string group_state;
    std::string protocol_type;
    std::string protocol_data;
    std::vector<Member> members;
    std::int32_t authorized_operations = kOperationsNotAsked;
    static constexpr auto fields() {
      return std::tuple{
          field(&Group::error_code),
          field(&Group::group_id),
          field(&Group::group_state),
          field(&Group::protocol_type),
          field(&Group::protocol_data),
          field(&Group::members),
          field(&Group::authorized_operations).since(3),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Group> groups;
  static constexpr auto fields() {
    return std::tuple{
        field(&DescribeGroupsResponse::throttle_time_ms).since(1),
        field(&DescribeGroupsResponse::groups),
    };
  }
};

}  // namespace sluice::kafka
