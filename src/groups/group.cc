#include "groups/group.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "groups/refusal.h"

namespace sluice::groups {

namespace {

using kafka::ErrorCode;
using std::chrono::milliseconds;

// Drops all but the first of each name.
void drop_twins(std::vector<Protocol>& protocols) {
  std::vector<Protocol> kept;
  for (Protocol& each : protocols)
    if (std::ranges::find(kept, each.name, &Protocol::name) == kept.end()) kept.push_back(std::move(each));
  protocols = std::move(kept);
}

std::size_t bytes_of(const std::vector<Protocol>& protocols) {
  std::size_t bytes = 0;
  for (const Protocol& each : protocols) bytes += each.name.size() + each.metadata.size();
  return bytes;
}

bool same(const std::vector<Protocol>& some, const std::vector<Protocol>& others) {
  return std::ranges::equal(some, others, [](const Protocol& a, const Protocol& b) {
    return a.name == b.name && a.metadata == b.metadata;
  });
}

}  // namespace

Group::Group(std::string id, const Limits& limits, NewMemberId new_member_id)
    : id_(std::move(id)), limits_(limits), new_member_id_(std::move(new_member_id)) {}

Group::Group(const GroupRecord& record, const Limits& limits, NewMemberId new_member_id, os::Time now)
    : id_(record.group_id),
      limits_(limits),
      new_member_id_(std::move(new_member_id)),
      state_(record.members.empty() ? GroupState::kEmpty : GroupState::kStable),
      generation_(record.generation),
      protocol_type_(record.protocol_type),
      protocol_(record.protocol),
      leader_(record.leader) {
  for (const MemberRecord& each : record.members)
    members_.add(each.member_id, {.instance_id = each.instance_id,
                                  .caller = {each.client_id, each.client_host},
                                  .session_timeout = each.session_timeout,
                                  .rebalance_timeout = each.rebalance_timeout,
                                  .protocols = {{record.protocol, each.subscription}},
                                  .assignment = each.assignment,
                                  .heard_until = now + each.session_timeout});
}

void Group::enter(GroupInput input) {
  bool drawn = false;
  const GroupState to = next(state_, input, drawn);
  if (!drawn)
    spdlog::error("consumer groups: input {} in state {} is not drawn", static_cast<int>(input),
                  name_of(state_));
  state_ = to;
}

// --- joining ---------------------------------------------------------------------------------------------------

void Group::join(kafka::JoinGroupRequest request, int version, Caller caller, JoinAsker asker, os::Time now) {
  const milliseconds session(request.session_timeout_ms);
  if (session < limits_.shortest_session || session > limits_.longest_session)
    return refuse(asker, version, Code::kInvalidSessionTimeout, request.member_id);
  if (request.protocols.size() > limits_.protocols)
    return refuse(asker, version, Code::kInvalidRequest, request.member_id);
  if (bytes_of(request.protocols) > limits_.metadata)
    return refuse(asker, version, Code::kGroupMaxSizeReached, request.member_id);
  drop_twins(request.protocols);

  Member* const known = request.member_id.empty() ? nullptr : members_.find(request.member_id);
  const std::string* const replaced = request.member_id.empty() && request.group_instance_id
                                          ? members_.find_instance(*request.group_instance_id)
                                          : nullptr;
  const Member* const itself = replaced != nullptr ? members_.find(*replaced) : known;
  if (request.protocol_type.empty() || (!members_.empty() && request.protocol_type != protocol_type_) ||
      !members_.agree(request.protocols, itself))
    return refuse(asker, version, Code::kInconsistentGroupProtocol, request.member_id);

  Member fresh{.instance_id = request.group_instance_id,
               .caller = std::move(caller),
               .session_timeout = session,
               .rebalance_timeout =
                   request.rebalance_timeout_ms < 0 ? session : milliseconds(request.rebalance_timeout_ms),
               .protocols = std::move(request.protocols),
               .version = version};
  if (request.member_id.empty()) {
    if (replaced == nullptr && members_.size() + invited_.size() >= limits_.members)
      return refuse(asker, version, Code::kGroupMaxSizeReached, "");
    const bool is_static = request.group_instance_id.has_value();
    const std::string id = new_member_id_(is_static ? *request.group_instance_id : fresh.caller.client_id);
    if (!is_static && version >= 4) {  // a client that never gets its id must not stay as a member nobody is
      invited_[id] = now + session;
      return refuse(asker, version, Code::kMemberIdRequired, id);
    }
    fresh.joining = std::move(asker);
    if (replaced != nullptr) {
      const std::string old_id = *replaced;
      members_.rename(old_id, id);
      return replace(old_id, id, std::move(fresh), now);
    }
    return add(id, std::move(fresh), request.protocol_type, now);
  }
  if (!request.group_instance_id && invited_.erase(request.member_id) > 0) {
    fresh.joining = std::move(asker);
    return add(request.member_id, std::move(fresh), request.protocol_type, now);
  }
  if (const Code code = check(request.member_id, request.group_instance_id); code != Code::kNone)
    return refuse(asker, version, code, request.member_id);
  fresh.joining = std::move(asker);
  rejoin(request.member_id, *known, std::move(fresh), now);
}

// Whether someone is the member it says it is.
ErrorCode Group::check(const std::string& member_id, const std::optional<std::string>& instance_id) {
  if (instance_id.has_value()) {
    const std::string* const holder = members_.find_instance(*instance_id);
    if (holder == nullptr) return Code::kUnknownMemberId;
    return *holder == member_id ? Code::kNone : Code::kFencedInstanceId;
  }
  return members_.find(member_id) == nullptr ? Code::kUnknownMemberId : Code::kNone;
}

void Group::add(const std::string& id, Member member, const std::string& protocol_type, os::Time now) {
  if (members_.empty()) protocol_type_ = protocol_type;
  members_.add(id, std::move(member));
  if (state_ != GroupState::kPreparingRebalance) {
    rebalance(now);
  } else if (not_before_ > now) {  // more may follow
    not_before_ = std::min(now + limits_.first_join_delay, join_until_);
  }
  settle(now);
}

void Group::rejoin(const std::string& id, Member& member, Member fresh, os::Time now) {
  const bool changed = !same(member.protocols, fresh.protocols);
  // With nothing new to say, it did not get its answer, or wants to make sure: this generation's is still right. But a
  // leader that joins a stable group wants a rebalance, for what no member's metadata tells (new partitions).
  const bool wants_rebalance = changed || (state_ == GroupState::kStable && id == leader_);
  update(member, std::move(fresh));
  if (state_ == GroupState::kPreparingRebalance) return settle(now);
  if (!wants_rebalance) {
    member.heard_until = now + member.session_timeout;
    return tell_generation(id, member, leader_);
  }
  rebalance(now);
  settle(now);
}

// A static member came back under a new id: the old one is fenced off, its place and assignment go on.
void Group::replace(const std::string& old_id, const std::string& id, Member fresh, os::Time now) {
  Member& member = *members_.find(id);
  if (auto asker = std::exchange(member.joining, std::nullopt))
    refuse(*asker, member.version, Code::kFencedInstanceId, old_id);
  if (auto asker = std::exchange(member.syncing, std::nullopt)) refuse(*asker, Code::kFencedInstanceId);
  const bool led = leader_ == old_id;
  if (led) leader_ = id;
  const int version = fresh.version;
  update(member, std::move(fresh));
  if (state_ == GroupState::kPreparingRebalance) return settle(now);
  if (state_ == GroupState::kStable && members_.vote(leader_) == protocol_) {
    changed_ = true;
    member.heard_until = now + member.session_timeout;
    // Where a leader can't be told to skip the assignment, it is told that its old id leads: it would make one that
    // nobody waits for otherwise.
    const bool hides = led && version < 9;
    return tell_generation(id, member, hides ? old_id : leader_, led && !hides);
  }
  rebalance(now);
  settle(now);
}

void Group::update(Member& member, Member fresh) {
  if (auto asker = std::exchange(member.joining, std::nullopt))
    refuse(*asker, member.version, Code::kRebalanceInProgress, "");
  if (auto asker = std::exchange(member.syncing, std::nullopt)) refuse(*asker, Code::kRebalanceInProgress);
  members_.offer(member, std::move(fresh.protocols));
  member.caller = std::move(fresh.caller);
  member.session_timeout = fresh.session_timeout;
  member.rebalance_timeout = fresh.rebalance_timeout;
  member.joining = std::move(fresh.joining);
  member.version = fresh.version;
}

// --- rebalancing -----------------------------------------------------------------------------------------------

bool Group::everyone_joined() const {
  return invited_.empty() &&
         std::ranges::all_of(members_, [](const auto& each) { return each.second.joining.has_value(); });
}

// All members have to join again.
void Group::rebalance(os::Time now) {
  if (state_ == GroupState::kPreparingRebalance) return;
  for (auto& [id, member] : members_) {
    if (member.syncing.has_value()) {
      member.heard_until = now + member.session_timeout;
      tell_assignment(member, Code::kRebalanceInProgress);
    }
    member.must_sync = false;
  }
  const milliseconds patience = members_.longest_rebalance();
  not_before_ =
      now + (state_ == GroupState::kEmpty ? std::min(limits_.first_join_delay, patience) : milliseconds(0));
  join_until_ = now + patience;
  enter(GroupInput::kRebalance);
}

void Group::settle(os::Time now) {
  if (state_ != GroupState::kPreparingRebalance) return;
  if ((everyone_joined() && now >= not_before_) || now >= join_until_) complete_join(now);
}

void Group::complete_join(os::Time now) {
  // Static members may be missing until their session ends. Who hung up would get partitions and not read them.
  std::vector<std::string> missing;
  bool anyone = false;
  for (auto& [id, member] : members_) {
    if (member.joining.has_value() && member.joining->gone()) {
      member.joining.reset();
      member.heard_until = now + member.session_timeout;
    }
    if (member.joining.has_value()) {
      anyone = true;
    } else if (!member.instance_id.has_value()) {
      missing.push_back(id);
    }
  }
  for (const std::string& id : missing) remove(id);
  if (members_.empty()) return become_empty();
  if (!anyone) {  // some static members may still come
    join_until_ = now + members_.longest_rebalance();
    return;
  }
  const Member* const leader = members_.find(leader_);
  if (leader == nullptr || !leader->joining.has_value())
    leader_ = std::ranges::find_if(members_, [](const auto& each) {
                return each.second.joining.has_value();
              })->first;
  protocol_ = members_.vote(leader_);
  generation_ = generation_ == std::numeric_limits<std::int32_t>::max() ? 1 : generation_ + 1;
  sync_until_ = now + members_.longest_rebalance();
  enter(GroupInput::kAllJoined);
  for (auto& [id, member] : members_) {
    members_.assign(member, "");
    if (!member.joining.has_value()) continue;
    member.heard_until = now + member.session_timeout;
    tell_generation(id, member, leader_);
  }
}

void Group::become_empty() {
  ++generation_;
  protocol_.clear();
  leader_.clear();
  changed_ = true;
  enter(GroupInput::kNobodyLeft);
}

void Group::tell_generation(const std::string& id, Member& member, const std::string& leader,
                            bool skip_assignment) {
  member.must_sync = state_ == GroupState::kCompletingRebalance;
  const JoinAsker asker = *std::exchange(member.joining, std::nullopt);
  kafka::JoinGroupResponse response{.generation_id = generation_,
                                    .protocol_type = protocol_type_,
                                    .protocol_name = protocol_,
                                    .leader = leader,
                                    .skip_assignment = skip_assignment,
                                    .member_id = id};
  if (id == leader)
    for (const auto& [each_id, each] : members_)
      response.members.push_back({each_id, each.instance_id, std::string(each.metadata(protocol_))});
  asker.answer(std::move(response));
}

}  // namespace sluice::groups
