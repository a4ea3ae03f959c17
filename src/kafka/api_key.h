// The APIs that are served: their keys, versions, and where compact encodings begin.
//
// Source    Apache Kafka's protocol guide; KIP-482 for flexible versions.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::kafka {

enum class ApiKey : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
  kLeaveGroup = 13,
  kSyncGroup = 14,
  kDescribeGroups = 15,
  kListGroups = 16,
  kApiVersions = 18,
  kOffsetForLeaderEpoch = 23,
  kDeleteGroups = 42,
  kDescribeCluster = 60,
};

struct Api {
  ApiKey key;
  std::string_view name;
  std::int16_t min, max;  // versions that are answered
  std::int16_t flexible;  // the first version with compact strings and tagged fields
  bool served = true;     // false: its messages are known, its requests are not answered
};

// Minima are as low as librdkafka wants them: before 2.11.1 it looks for single versions in these ranges (Produce 3 to
// fetch batches at all, FindCoordinator 0 for groups). Produce is there for the same reason, and always refused.
inline constexpr Api kApis[] = {
    {ApiKey::kProduce, "Produce", 0, 9, 9},
    {ApiKey::kFetch, "Fetch", 4, 17, 12},
    {ApiKey::kListOffsets, "ListOffsets", 1, 8, 6},
    {ApiKey::kMetadata, "Metadata", 0, 12, 9},
    {ApiKey::kOffsetCommit, "OffsetCommit", 2, 9, 8},
    {ApiKey::kOffsetFetch, "OffsetFetch", 1, 9, 6},
    {ApiKey::kFindCoordinator, "FindCoordinator", 0, 4, 3},
    {ApiKey::kJoinGroup, "JoinGroup", 0, 9, 6},
    {ApiKey::kHeartbeat, "Heartbeat", 0, 4, 4},
    {ApiKey::kLeaveGroup, "LeaveGroup", 0, 5, 4},
    {ApiKey::kSyncGroup, "SyncGroup", 0, 5, 4},
    {ApiKey::kDescribeGroups, "DescribeGroups", 0, 5, 5},
    {ApiKey::kListGroups, "ListGroups", 0, 4, 3},
    {ApiKey::kApiVersions, "ApiVersions", 0, 4, 3},
    // Epochs are told as unknown, and then consumers have no use for this; told of it, some would try.
    {ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpoch", 2, 4, 4, false},
    {ApiKey::kDeleteGroups, "DeleteGroups", 0, 2, 2},
    {ApiKey::kDescribeCluster, "DescribeCluster", 0, 1, 0},
};

// Null: not served. For what comes from the wire.
constexpr const Api* find_api(std::int16_t key) noexcept {
  for (const Api& api : kApis)
    if (static_cast<std::int16_t>(api.key) == key) return &api;
  return nullptr;
}
constexpr const Api& api_of(ApiKey key) noexcept { return *find_api(static_cast<std::int16_t>(key)); }
constexpr bool is_flexible(ApiKey key, int version) noexcept { return version >= api_of(key).flexible; }

constexpr std::string_view name_of(ApiKey key) noexcept {
  const Api* api = find_api(static_cast<std::int16_t>(key));
  return api == nullptr ? "?" : api->name;
}

}  // namespace sluice::kafka
