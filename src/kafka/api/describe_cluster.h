// DescribeCluster: the brokers, for administrators' clients.
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

struct DescribeClusterRequest {
  static constexpr ApiKey kKey = ApiKey::kDescribeCluster;

  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;  // 1 brokers, 2 controllers
  static constexpr auto fields() {
    return std::tuple{
        field(&DescribeClusterRequest::include_cluster_authorized_operations),
        field(&DescribeClusterRequest::endpoint_type).since(1),
    };
  }
};

struct DescribeClusterResponse {
  static constexpr ApiKey kKey = ApiKey::kDescribeCluster;

  struct Broker {
    std::int32_t broker_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    static constexpr auto fields() {
      return std::tuple{
          field(&Broker::broker_id),
          field(&Broker::host),
          field(&Broker::port),
          field(&Broker::rack),
      };
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Broker> brokers;
  std::int32_t cluster_authorized_operations = kOperationsNotAsked;
  static constexpr auto fields() {
    return std::tuple{
        field(&DescribeClusterResponse::throttle_time_ms),
        field(&DescribeClusterResponse::error_code),
        field(&DescribeClusterResponse::error_message),
        field(&DescribeClusterResponse::endpoint_type).since(1),
        field(&DescribeClusterResponse::cluster_id),
        field(&DescribeClusterResponse::controller_id),
        field(&DescribeClusterResponse::brokers),
        field(&DescribeClusterResponse::cluster_authorized_operations),
    };
  }
};

}  // namespace sluice::kafka
