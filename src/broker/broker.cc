#include "broker/broker.h"

#include "broker/asking.h"

namespace sluice::broker {

namespace {

using kafka::ApiKey;

// Decodes and goes on.
template <typename Request, Taken (*answer)(Asking&, Request)>
Taken decoded(Asking& asking) {
  Request request;
  std::string_view why;
  if (!kafka::decode(asking.header.body, asking.header.version, request, why)) return {.why = std::string(why)};
  return answer(asking, std::move(request));
}

struct Row {
  ApiKey key;
  Taken (*answer)(Asking&);
};
constexpr Row kRows[] = {
    {ApiKey::kProduce, decoded<kafka::ProduceRequest, produce>},
    {ApiKey::kFetch, decoded<kafka::FetchRequest, fetch>},
    {ApiKey::kListOffsets, decoded<kafka::ListOffsetsRequest, list_offsets>},
    {ApiKey::kMetadata, decoded<kafka::MetadataRequest, metadata>},
    {ApiKey::kOffsetCommit, decoded<kafka::OffsetCommitRequest, offset_commit>},
    {ApiKey::kOffsetFetch, decoded<kafka::OffsetFetchRequest, offset_fetch>},
    {ApiKey::kFindCoordinator, decoded<kafka::FindCoordinatorRequest, find_coordinator>},
    {ApiKey::kJoinGroup, decoded<kafka::JoinGroupRequest, join_group>},
    {ApiKey::kHeartbeat, decoded<kafka::HeartbeatRequest, heartbeat>},
    {ApiKey::kLeaveGroup, decoded<kafka::LeaveGroupRequest, leave_group>},
    {ApiKey::kSyncGroup, decoded<kafka::SyncGroupRequest, sync_group>},
    {ApiKey::kDescribeGroups, decoded<kafka::DescribeGroupsRequest, describe_groups>},
    {ApiKey::kListGroups, decoded<kafka::ListGroupsRequest, list_groups>},
    {ApiKey::kApiVersions, decoded<kafka::ApiVersionsRequest, api_versions>},
    {ApiKey::kDeleteGroups, decoded<kafka::DeleteGroupsRequest, delete_groups>},
    {ApiKey::kDescribeCluster, decoded<kafka::DescribeClusterRequest, describe_cluster>},
};

const Row* row_of(ApiKey key) noexcept {
  for (const Row& row : kRows)
    if (row.key == key) return &row;
  return nullptr;
}

// The one answer in a version that the request did not ask for: every client can read version 0. KIP-511.
Taken unknown_version(const Asking& asking) {
  const kafka::Api& api = kafka::api_of(ApiKey::kApiVersions);
  kafka::ApiVersionsResponse response{.error_code = kafka::ErrorCode::kUnsupportedVersion};
  response.api_keys.push_back(
      {.api_key = static_cast<std::int16_t>(api.key), .min_version = api.min, .max_version = api.max});
  return {.answer = kafka::encode(asking.header.correlation_id, 0, response)};
}

}  // namespace

Taken take(Broker& broker, std::string_view frame, Answered answered, Asked& asked) {
  Asking asking{.broker = broker, .header = {}, .answered = std::move(answered), .asked = asked};
  const kafka::RequestHeader& header = asking.header;
  std::string_view why;
  const kafka::HeaderVerdict verdict = kafka::decode_header(frame, asking.header, why);
  if (header.api != nullptr) asked.api = header.api->name;
  if (verdict == kafka::HeaderVerdict::kUnknownVersion && header.api->key == ApiKey::kApiVersions)
    return unknown_version(asking);
  if (verdict != kafka::HeaderVerdict::kOk)
    return {.why = std::string(why) + " (key " + std::to_string(header.key) + ", version " +
                   std::to_string(header.version) + ")"};
  asked.client_id = header.client_id.value_or("");
  const Row* const row = row_of(header.api->key);
  return row == nullptr ? Taken{.why = "not served"} : row->answer(asking);
}

}  // namespace sluice::broker
