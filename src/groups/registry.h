// All groups of a coordinator: finds them, keeps their timers, their sums and their limits, and saves them.
//
// Answers that depend on the file come when the loop's turn is written, others at once; those to JoinGroup and SyncGroup
// when the group is ready.
// Thread   the loop's.
// Errors   the constructor throws what reading the store throws. Later: COORDINATOR_NOT_AVAILABLE, and the error log.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "groups/group.h"
#include "groups/limits.h"
#include "groups/store.h"
#include "groups/turn.h"
#include "kafka/messages.h"
#include "loop/event_loop.h"

namespace sluice::groups {

// Read by any thread.
struct Sums {
  std::atomic<std::uint64_t> groups{0}, members{0}, rebalances{0};
};

class Registry final : private loop::Deadline {
 public:
  template <typename Response>
  using Answer = std::function<void(Response)>;

  // All of them outlive it.
  Registry(Store& store, loop::EventLoop& loop, const Limits& limits, Sums& sums);
  ~Registry();

  void join(kafka::JoinGroupRequest request, int version, Caller caller, JoinAsker asker);
  void sync(kafka::SyncGroupRequest request, int version, SyncAsker asker);
  void heartbeat(const kafka::HeartbeatRequest& request, const Answer<kafka::HeartbeatResponse>& answer);
  void leave(const kafka::LeaveGroupRequest& request, int version,
             const Answer<kafka::LeaveGroupResponse>& answer);
  void commit(const kafka::OffsetCommitRequest& request, Answer<kafka::OffsetCommitResponse> answer);
  void fetch(const kafka::OffsetFetchRequest& request, int version,
             Answer<kafka::OffsetFetchResponse> answer);
  void describe(const kafka::DescribeGroupsRequest& request,
                const Answer<kafka::DescribeGroupsResponse>& answer) const;
  void list(const kafka::ListGroupsRequest& request, const Answer<kafka::ListGroupsResponse>& answer) const;
  void remove(const kafka::DeleteGroupsRequest& request, Answer<kafka::DeleteGroupsResponse> answer);

  void close();  // writes what is to be written, answers all who wait

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }  // what groups and members cost, about

 private:
  struct Entry;  // a group, its timer, and what is known of its offsets
  using FetchTopics = std::vector<kafka::OffsetFetchResponse::Topic>;

  void load();
  [[nodiscard]] Entry* find(const std::string& group_id);
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  Entry& add(std::unique_ptr<Entry> entry);
  void settle(Entry& entry);  // after anything but a heartbeat
  void forget_if_idle(const std::string& group_id);
  void change_offsets(Entry& entry, std::ptrdiff_t by);  // taken back if the turn is not written
  [[nodiscard]] std::string new_member_id(const std::string& prefix) const;
  kafka::ErrorCode commit_one(const Entry& entry, const std::string& topic,
                              const kafka::OffsetCommitRequest::Partition& partition, std::size_t& added);
  bool fetch_all(const std::string& group_id, FetchTopics& topics, std::size_t& left);
  bool fetch_some(const std::string& group_id, const std::vector<kafka::OffsetFetchRequest::Topic>& asked,
                  FetchTopics& topics, std::size_t& left);
  kafka::ErrorCode fetch_group(const std::string& group_id,
                               const std::optional<std::vector<kafka::OffsetFetchRequest::Topic>>& asked,
                               FetchTopics& topics, std::size_t& left);
  void on_deadline() override;  // looks for offsets that nobody wants any more

  Store& store_;
  loop::EventLoop& loop_;
  const Limits& limits_;
  Sums& sums_;
  Turn turn_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  std::size_t bytes_ = 0, offsets_ = 0;  // of all groups
};

}  // namespace sluice::groups
