// What members of a group do when it has come together: they get their assignments, stay, go, or are lost.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "groups/group.h"
#include "groups/refusal.h"
#include "observe/json_text.h"

namespace sluice::groups {

namespace {

using kafka::ErrorCode;

// Names come from clients.
std::string printable(const std::string& name) {
  std::string text;
  observe::append_escaped(text, observe::cut_text(name, 250));
  return text;
}

}  // namespace

// --- the assignment --------------------------------------------------------------------------------------------

void Group::sync(kafka::SyncGroupRequest request, SyncAsker asker, os::Time now) {
  if (const Code code = check(request.member_id, request.group_instance_id); code != Code::kNone)
    return refuse(asker, code);
  if (request.generation_id != generation_) return refuse(asker, Code::kIllegalGeneration);
  if ((request.protocol_type && *request.protocol_type != protocol_type_) ||
      (request.protocol_name && *request.protocol_name != protocol_))
    return refuse(asker, Code::kInconsistentGroupProtocol);
  Member& member = *members_.find(request.member_id);
  switch (state_) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return refuse(asker, Code::kUnknownMemberId);
    case GroupState::kPreparingRebalance:
      return refuse(asker, Code::kRebalanceInProgress);
    case GroupState::kCompletingRebalance:
      break;
    case GroupState::kStable:
      member.must_sync = false;
      member.heard_until = now + member.session_timeout;
      member.syncing = std::move(asker);
      return tell_assignment(member, Code::kNone);
  }
  if (std::ranges::any_of(request.assignments,
                          [&](const auto& each) { return each.assignment.size() > limits_.metadata; }))
    return refuse(asker, Code::kGroupMaxSizeReached);
  if (member.syncing.has_value()) tell_assignment(member, Code::kRebalanceInProgress);
  member.syncing = std::move(asker);
  member.must_sync = false;
  if (request.member_id != leader_) return;
  for (auto& each : request.assignments)
    if (Member* const to = members_.find(each.member_id)) members_.assign(*to, std::move(each.assignment));
  enter(GroupInput::kLeaderSynced);
  changed_ = true;
  for (auto& [id, each] : members_) {
    if (!each.syncing.has_value()) continue;
    each.heard_until = now + each.session_timeout;
    tell_assignment(each, Code::kNone);
  }
}

void Group::tell_assignment(Member& member, Code code) {
  const SyncAsker asker = *std::exchange(member.syncing, std::nullopt);
  if (code != Code::kNone) return refuse(asker, code);
  asker.answer(
      {.protocol_type = protocol_type_, .protocol_name = protocol_, .assignment = member.assignment});
}

// --- members that stay, go, or are lost ------------------------------------------------------------------------

ErrorCode Group::heartbeat(const kafka::HeartbeatRequest& request, os::Time now) {
  if (const Code code = check(request.member_id, request.group_instance_id); code != Code::kNone) return code;
  if (request.generation_id != generation_) return Code::kIllegalGeneration;
  Member& member = *members_.find(request.member_id);
  member.heard_until = now + member.session_timeout;
  // While the leader assigns, a heartbeat is a heartbeat: clients send them from the answer to JoinGroup on.
  return state_ == GroupState::kPreparingRebalance ? Code::kRebalanceInProgress : Code::kNone;
}

ErrorCode Group::leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                       os::Time now) {
  if (!instance_id.has_value() && invited_.erase(member_id) > 0) {
    settle(now);
    return Code::kNone;
  }
  std::string id = member_id;
  if (instance_id.has_value() && member_id.empty()) {  // an operator, who knows the instance only
    const std::string* const holder = members_.find_instance(*instance_id);
    if (holder == nullptr) return Code::kUnknownMemberId;
    id = *holder;
  } else if (const Code code = check(member_id, instance_id); code != Code::kNone) {
    return code;
  }
  remove(id);
  rebalance(now);
  settle(now);
  return Code::kNone;
}

ErrorCode Group::commit(const kafka::OffsetCommitRequest& request, os::Time now) {
  const std::int32_t generation = request.generation_id_or_member_epoch;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id)  // from outside
    return state_ == GroupState::kEmpty ? Code::kNone : Code::kUnknownMemberId;
  if (const Code code = check(request.member_id, request.group_instance_id); code != Code::kNone) return code;
  if (generation != generation_) return Code::kIllegalGeneration;
  // While members are called together they commit what they have to give up: that is still theirs. Afterwards it may
  // be another's.
  if (state_ == GroupState::kCompletingRebalance) return Code::kRebalanceInProgress;
  Member& member = *members_.find(request.member_id);
  member.heard_until = now + member.session_timeout;
  return Code::kNone;
}

// Its askers are answered: they may come back as new members.
void Group::remove(const std::string& id) {
  Member& member = *members_.find(id);
  if (member.joining.has_value()) refuse(*member.joining, member.version, Code::kUnknownMemberId, "");
  if (member.syncing.has_value()) refuse(*member.syncing, Code::kUnknownMemberId);
  members_.erase(id);
}

std::optional<os::Time> Group::deadline() const {
  std::optional<os::Time> first;
  const auto consider = [&](os::Time at) { first = first.has_value() ? std::min(*first, at) : at; };
  for (const auto& [id, until] : invited_) consider(until);
  bool must_sync = false;
  for (const auto& [id, member] : members_) {
    if (!member.waits()) consider(member.heard_until);
    must_sync = must_sync || member.must_sync;
  }
  if (must_sync) consider(sync_until_);
  if (state_ == GroupState::kPreparingRebalance) consider(everyone_joined() ? not_before_ : join_until_);
  return first;
}

void Group::expire(os::Time now) {
  std::erase_if(invited_, [&](const auto& each) { return each.second <= now; });
  std::vector<std::string> lost;
  for (const auto& [id, member] : members_)
    if (!member.waits() && (member.heard_until <= now || (member.must_sync && sync_until_ <= now)))
      lost.push_back(id);
  for (const std::string& id : lost) remove(id);
  if (!lost.empty()) {
    spdlog::info("group {}: {} of its members were not heard of in time, {} among them", printable(id_),
                 lost.size(), printable(lost.front()));
    rebalance(now);
  }
  settle(now);
}

void Group::close(Code why) {
  for (auto& [id, member] : members_) {
    if (auto asker = std::exchange(member.joining, std::nullopt)) refuse(*asker, member.version, why, id);
    if (auto asker = std::exchange(member.syncing, std::nullopt)) refuse(*asker, why);
  }
}

bool Group::forget() {
  if (state_ != GroupState::kEmpty || !invited_.empty()) return false;
  enter(GroupInput::kForgotten);
  return true;
}

// --- what others want to know ----------------------------------------------------------------------------------

std::size_t Group::bytes() const noexcept {
  constexpr std::size_t kInvitation = 256;
  return members_.bytes() + invited_.size() * kInvitation;
}

kafka::DescribeGroupsResponse::Group Group::describe() const {
  kafka::DescribeGroupsResponse::Group group{
      .group_id = id_, .group_state = name_of(state_), .protocol_type = protocol_type_};
  // Before all have joined there is neither a protocol nor an assignment to speak of.
  const bool settled = state_ == GroupState::kStable;
  if (settled) group.protocol_data = protocol_;
  for (const auto& [id, member] : members_)
    group.members.push_back({.member_id = id,
                             .group_instance_id = member.instance_id,
                             .client_id = member.caller.client_id,
                             .client_host = member.caller.client_host,
                             .member_metadata = settled ? std::string(member.metadata(protocol_)) : "",
                             .member_assignment = settled ? member.assignment : ""});
  return group;
}

bool Group::take_changed() noexcept { return std::exchange(changed_, false); }

GroupRecord Group::record(os::WallTime now) const {
  GroupRecord record{.group_id = id_,
                     .generation = generation_,
                     .protocol_type = protocol_type_,
                     .protocol = protocol_,
                     .leader = leader_,
                     .written = now};
  for (const auto& [id, member] : members_)
    record.members.push_back({.member_id = id,
                              .instance_id = member.instance_id,
                              .client_id = member.caller.client_id,
                              .client_host = member.caller.client_host,
                              .session_timeout = member.session_timeout,
                              .rebalance_timeout = member.rebalance_timeout,
                              .subscription = std::string(member.metadata(protocol_)),
                              .assignment = member.assignment});
  return record;
}

}  // namespace sluice::groups
