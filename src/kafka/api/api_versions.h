// ApiVersions: which APIs there are, and in which versions. The first request of every connection.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/api_key.h"
#include "kafka/error.h"
#include "kafka/field.h"

namespace sluice::kafka {

struct ApiVersionsRequest {
  static constexpr ApiKey kKey = ApiKey::kApiVersions;

  std::string client_software_name;
  std::string client_software_version;
  static constexpr auto fields() {
    return std::tuple{
        field(&ApiVersionsRequest::client_software_name).since(3),
        field(&ApiVersionsRequest::client_software_version).since(3),
    };
  }
};

// One to a request of an unknown version has the layout of version 0, UNSUPPORTED_VERSION and the versions of this API.
struct ApiVersionsResponse {
  static constexpr ApiKey kKey = ApiKey::kApiVersions;

  struct ApiVersion {
    std::int16_t api_key = 0;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;
    static constexpr auto fields() {
      return std::tuple{
          field(&ApiVersion::api_key),
          field(&ApiVersion::min_version),
          field(&ApiVersion::max_version),
      };
    }
  };

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ApiVersion> api_keys;
  std::int32_t throttle_time_ms = 0;
  static constexpr auto fields() {
    return std::tuple{
        field(&ApiVersionsResponse::error_code),
        field(&ApiVersionsResponse::api_keys),
        field(&ApiVersionsResponse::throttle_time_ms).since(1),
    };
  }
};

// What is served, as it is told to clients.
inline std::vector<ApiVersionsResponse::ApiVersion> advertised() {
  std::vector<ApiVersionsResponse::ApiVersion> all;
  for (const Api& api : kApis) {
    if (!api.served) continue;
    all.push_back(
        {.api_key = static_cast<std::int16_t>(api.key), .min_version = api.min, .max_version = api.max});
  }
  return all;
}

}  // namespace sluice::kafka
