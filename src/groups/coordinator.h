// The coordinator of consumer groups: members, generations, assignments, committed offsets.
//
//   Empty ──join──▶ PreparingRebalance ──all joined, or time is up──▶ CompletingRebalance ──leader syncs──▶ Stable
//     ▲                    ▲                                                                                │
//     └── last member gone ┴───────────── a member joins, leaves, or is not heard of in time ◀──────────────┘
//
// It runs on a thread of its own, with a loop for its timers: workers post requests and get their answers posted back.
// Offsets and groups are in an SQLite file; a request that changed them is answered when that is on its way to the disk.
// Bounded   see Limits: beyond them joins are refused (GROUP_MAX_SIZE_REACHED) and commits answered with an error.
// Lifetime  outlives its Reply's loops' last turn, or stop() has returned.
// Errors    the constructor throws std::runtime_error when the file can't be opened or is none of ours. Later failures of
//           the file are told in the error log and answered COORDINATOR_NOT_AVAILABLE.
// Source    Apache Kafka's protocol guide; KIP-134, KIP-345 (static members), KIP-394 (MEMBER_ID_REQUIRED).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kafka/messages.h"
#include "loop/event_loop.h"

namespace sluice::groups {

struct Limits {
  std::size_t groups = 10'000;
  std::size_t members = 1000;       // of one group
  std::size_t metadata = 256 * 1024;  // bytes a member may bring in a join or an assignment
  std::size_t offsets = 100'000;    // committed ones of one group
  std::chrono::milliseconds shortest_session{6'000}, longest_session{1'800'000};
  std::chrono::milliseconds first_join_delay{0};  // an empty group waits this long for more members
  std::chrono::hours keep_offsets{24 * 7};        // of a group without members
};

// Where an answer goes. Dropped with its owner: nothing is called after that.
template <typename Response>
struct Reply {
  loop::EventLoop* loop = nullptr;
  std::weak_ptr<void> owner;  // answers for one who is gone are not delivered
  std::function<void(Response)> call;  // on the loop's thread
};

// What a listener tells the coordinator of the asking connection.
struct Caller {
  std::string client_id, client_host;
};

class Coordinator {
 public:
  // `file`: "" keeps all in memory, which does not survive a restart.
  Coordinator(const std::string& file, const Limits& limits);
  ~Coordinator();
  void stop();  // answers what waits with COORDINATOR_NOT_AVAILABLE, writes what is to be written

  // Any thread. The versions matter where an error has no room in older ones, or a member id is required first.
  void join(kafka::JoinGroupRequest request, int version, Caller caller, Reply<kafka::JoinGroupResponse> reply);
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
