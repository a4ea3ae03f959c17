// What the file keeps of groups: enough that after a restart members go on with their next heartbeat.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/clock.h"

namespace sluice::groups {

struct MemberRecord {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id, client_host;
  std::chrono::milliseconds session_timeout{0}, rebalance_timeout{0};
  std::string subscription;  // the member's metadata for the group's protocol
  std::string assignment;
  bool operator==(const MemberRecord&) const = default;
};

// A group as it was when it last got its assignment, or lost its last member.
struct GroupRecord {
  std::string group_id;
  std::int32_t generation = 0;
  std::string protocol_type, protocol, leader;
  os::WallTime written{};  // milliseconds; without members: empty since then
  std::vector<MemberRecord> members;
  bool operator==(const GroupRecord&) const = default;
};

struct CommittedOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  bool operator==(const CommittedOffset&) const = default;
};

}  // namespace sluice::groups
