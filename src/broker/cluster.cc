// What clients ask first: which requests are answered, and that there is one broker. ApiVersions, DescribeCluster.
#include <algorithm>

#include "broker/asking.h"

namespace sluice::broker {

namespace {

constexpr std::int16_t kLastWithNames = 12;  // of Fetch: since 13 topics have no name in it, but an id

// KIP-511: letters and digits, then also "-" and ".".
bool is_client_word(std::string_view word) noexcept {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return !word.empty() && plain(word.front()) && plain(word.back()) &&
         std::all_of(word.begin(), word.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

// A client may take the newest version it is told of without looking whether a topic has an id.
bool all_have_ids(const log::Catalog& catalog) noexcept {
  return std::all_of(catalog.topics().begin(), catalog.topics().end(), [](const auto& entry) {
    return !entry.second->exists() || entry.second->id != log::Uuid{};
  });
}

}  // namespace

Taken api_versions(Asking& asking, kafka::ApiVersionsRequest request) {
  kafka::ApiVersionsResponse response;
  if (asking.header.version >= 3 &&
      !(is_client_word(request.client_software_name) && is_client_word(request.client_software_version))) {
    response.error_code = kafka::ErrorCode::kInvalidRequest;
    return at_once(asking, response);
  }
  response.api_keys = kafka::advertised();
  if (!all_have_ids(asking.broker.catalog)) {
    for (auto& api : response.api_keys)
      if (api.api_key == static_cast<std::int16_t>(kafka::ApiKey::kFetch)) api.max_version = kLastWithNames;
  }
  return at_once(asking, response);
}

Taken describe_cluster(Asking& asking, kafka::DescribeClusterRequest request) {
  const Broker& broker = asking.broker;
  kafka::DescribeClusterResponse response{.endpoint_type = request.endpoint_type,
                                          .cluster_id = broker.cluster};
  constexpr std::int8_t kBrokers = 1;
  if (request.endpoint_type != kBrokers) {
    response.error_code = kafka::ErrorCode::kMismatchedEndpointType;
    response.error_message = "there are no controllers here";
    return at_once(asking, response);
  }
  response.controller_id = kNode;
  response.brokers.push_back({.broker_id = kNode, .host = broker.host, .port = broker.port});
  return at_once(asking, response);
}

}  // namespace sluice::broker
