// The coordinator of consumer groups: members, generations, assignments, committed offsets.
//
// It runs on a thread of its own, with a loop for its timers: workers post requests and get their answers posted back.
// Offsets and groups are in an SQLite file; a request that changed them is answered when that is on its way to the disk.
// Bounded   see Limits: beyond them joins are refused (GROUP_MAX_SIZE_REACHED) and commits answered with an error.
// Lifetime  the loops of its Replies live until stop() has returned.
// Errors    the constructor throws std::runtime_error when the file can't be opened or is none of ours. Later failures of
//           the file are told in the error log and answered COORDINATOR_NOT_AVAILABLE.
// Source    Apache Kafka's protocol guide. How a group lives: group_states.h and group.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "groups/limits.h"
#include "kafka/messages.h"
#include "loop/event_loop.h"

namespace sluice::groups {

// Where an answer goes. Dropped with its owner: nothing is called after that.
template <typename Response>
struct Reply {
  loop::EventLoop* loop = nullptr;
  std::weak_ptr<void> owner;           // answers for one who is gone are not delivered
  std::function<void(Response)> call;  // on the loop's thread; keeps nobody alive, for it may die on another
};

class Coordinator {
 public:
  // `file`: "" keeps all in memory, which does not survive a restart.
  Coordinator(const std::string& file, const Limits& limits);
  ~Coordinator();
  void stop();  // answers what waits with COORDINATOR_NOT_AVAILABLE, writes what is to be written

  // Any thread. The versions matter where an error has no room in older ones, or a member id is required first.
  void join(kafka::JoinGroupRequest request, int version, Caller caller,
            Reply<kafka::JoinGroupResponse> reply);
  void sync(kafka::SyncGroupRequest request, Reply<kafka::SyncGroupResponse> reply);
  void heartbeat(kafka::HeartbeatRequest request, Reply<kafka::HeartbeatResponse> reply);
  void leave(kafka::LeaveGroupRequest request, int version, Reply<kafka::LeaveGroupResponse> reply);
  void commit(kafka::OffsetCommitRequest request, Reply<kafka::OffsetCommitResponse> reply);
  void fetch(kafka::OffsetFetchRequest request, int version, Reply<kafka::OffsetFetchResponse> reply);
  void describe(kafka::DescribeGroupsRequest request, Reply<kafka::DescribeGroupsResponse> reply);
  void list(kafka::ListGroupsRequest request, Reply<kafka::ListGroupsResponse> reply);
  void remove(kafka::DeleteGroupsRequest request, Reply<kafka::DeleteGroupsResponse> reply);

  [[nodiscard]] std::uint64_t group_count() const noexcept;
  [[nodiscard]] std::uint64_t member_count() const noexcept;
  [[nodiscard]] std::uint64_t rebalances() const noexcept;  // generations made, in all

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::groups
