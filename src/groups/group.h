// One consumer group as a state machine: requests in, answers out, and when it wants to be woken.
//
// It knows no thread, no file and no clock of its own; group_states.h draws its states. Answers to JoinGroup and
// SyncGroup may come at once, or later from any other call here; each asker is answered once, by deadline()'s
// expire() at the latest, or by close(); one who is gone may be dropped instead.
// Errors   the protocol's codes, inside the answers. What concerns the group's name or the sum of all groups is the
//          coordinator's.
// Thread   one.
// Source   Apache Kafka's protocol guide; KIP-62 (rebalance timeout), KIP-134 (first join's delay), KIP-345 (static
//          members), KIP-394 (MEMBER_ID_REQUIRED), KIP-559 (protocol in SyncGroup), KIP-814 (skip_assignment).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "groups/group_states.h"
#include "groups/limits.h"
#include "groups/members.h"
#include "groups/record.h"
#include "kafka/messages.h"
#include "os/clock.h"

namespace sluice::groups {

class Group {
 public:
  // A member id that nobody can guess, beginning with what is given.
  using NewMemberId = std::function<std::string(const std::string& prefix)>;

  Group(std::string id, const Limits& limits, NewMemberId new_member_id);  // `limits` outlives it
  // As after the record's generation; its members are waited for from now on.
  Group(const GroupRecord& record, const Limits& limits, NewMemberId new_member_id, os::Time now);

  void join(kafka::JoinGroupRequest request, int version, Caller caller, JoinAsker asker, os::Time now);
  void sync(kafka::SyncGroupRequest request, SyncAsker asker, os::Time now);
  kafka::ErrorCode heartbeat(const kafka::HeartbeatRequest& request, os::Time now);
  kafka::ErrorCode leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                         os::Time now);
  // Whether this commit may be stored; counts as a heartbeat.
  kafka::ErrorCode commit(const kafka::OffsetCommitRequest& request, os::Time now);

  // When expire() is to be called next; heartbeats and commits only move it later.
  [[nodiscard]] std::optional<os::Time> deadline() const;
  void expire(os::Time now);
  void close(kafka::ErrorCode why);  // answers all who wait
  bool forget();                     // true: it was empty, nobody is expected, it is dead now

  [[nodiscard]] GroupState state() const noexcept { return state_; }
  [[nodiscard]] std::int32_t generation() const noexcept { return generation_; }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] const std::string& protocol_type() const noexcept { return protocol_type_; }
  [[nodiscard]] kafka::DescribeGroupsResponse::Group describe() const;

  // Whether the record is another one since the last call: an assignment is there, or nobody is left.
  bool take_changed() noexcept;
  [[nodiscard]] GroupRecord record(os::WallTime now) const;

 private:
  using Code = kafka::ErrorCode;

  void enter(GroupInput input);
  [[nodiscard]] Code check(const std::string& member_id, const std::optional<std::string>& instance_id);
  [[nodiscard]] bool everyone_joined() const;
  void add(const std::string& id, Member member, const std::string& protocol_type, os::Time now);
  void rejoin(const std::string& id, Member& member, Member fresh, os::Time now);
  void replace(const std::string& old_id, const std::string& id, Member fresh, os::Time now);
  void update(Member& member, Member fresh);
  void remove(const std::string& id);
  void rebalance(os::Time now);
  void settle(os::Time now);  // after members were lost or came: goes on as far as it can
  void complete_join(os::Time now);
  void become_empty();
  void tell_generation(const std::string& id, Member& member, const std::string& leader,
                       bool skip_assignment = false);
  void tell_assignment(Member& member, Code code);

  const std::string id_;
  const Limits& limits_;
  const NewMemberId new_member_id_;
  GroupState state_ = GroupState::kEmpty;
  std::int32_t generation_ = 0;
  std::string protocol_type_, protocol_, leader_;
  Members members_;
  std::map<std::string, os::Time> invited_;  // given an id, not joined yet; forgotten then
  os::Time not_before_{}, join_until_{};     // of kPreparingRebalance
  os::Time sync_until_{};                    // who must sync has to by then
  bool changed_ = false;
};

}  // namespace sluice::groups
