// The members of one group: who they are, what they offer, and which of them wait for an answer.
//
// Bounded   by the group, see limits.h; bytes() is what they cost.
// Thread    one; nothing here locks.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "groups/limits.h"
#include "kafka/messages.h"
#include "os/clock.h"

namespace sluice::groups {

// One who asked. `answer` is called once; `gone`: nobody listens any more.
template <typename Response>
struct Asker {
  std::function<void(Response)> answer;
  std::function<bool()> gone = [] { return false; };
};
using JoinAsker = Asker<kafka::JoinGroupResponse>;
using SyncAsker = Asker<kafka::SyncGroupResponse>;

using Protocol =
    kafka::JoinGroupRequest::Protocol;  // a way to assign partitions, and the member's data for it

struct Member {
  std::optional<std::string> instance_id;  // a static member: its id over restarts
  Caller caller;
  std::chrono::milliseconds session_timeout{0}, rebalance_timeout{0};
  std::vector<Protocol> protocols;  // the best first, no name twice
  std::string assignment;

  // At most one of them: waiting for the generation, or for the assignment.
  std::optional<JoinAsker> joining;
  std::optional<SyncAsker> syncing;
  int version = 0;         // of the JoinGroup that waits
  bool must_sync = false;  // was told of this generation, and has not asked for its assignment yet
  os::Time heard_until{};  // lost then, unless it waits

  [[nodiscard]] bool waits() const noexcept { return joining.has_value() || syncing.has_value(); }
  // What it said for one protocol; "" when it does not offer it.
  [[nodiscard]] std::string_view metadata(std::string_view protocol) const noexcept;
};

class Members {
 public:
  [[nodiscard]] Member* find(const std::string& id) noexcept;
  [[nodiscard]] const std::string* find_instance(
      const std::string& instance_id) const noexcept;  // its member id
  Member& add(const std::string& id, Member member);   // no such id and instance yet
  void offer(Member& member, std::vector<Protocol> protocols);
  Member& rename(const std::string& from, const std::string& to);  // both are ids
  void assign(Member& member, std::string assignment);
  void erase(const std::string& id);

  // Whether all members but `except` offer one of `protocols`.
  [[nodiscard]] bool agree(const std::vector<Protocol>& protocols, const Member* except) const;
  // The protocol that most members like best among those that all offer; the leader's order decides a draw.
  [[nodiscard]] std::string vote(const std::string& leader) const;
  [[nodiscard]] std::chrono::milliseconds longest_rebalance() const noexcept;

  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] auto begin() noexcept { return members_.begin(); }
  [[nodiscard]] auto end() noexcept { return members_.end(); }
  [[nodiscard]] auto begin() const noexcept { return members_.begin(); }
  [[nodiscard]] auto end() const noexcept { return members_.end(); }

 private:
  void count(const Member& member);     // adds it to offers_ and bytes_
  void discount(const Member& member);  // takes it out

  std::map<std::string, Member> members_;         // by id
  std::map<std::string, std::string> instances_;  // instance id -> member id
  std::map<std::string, std::size_t> offers_;     // protocol -> how many members offer it
  std::size_t bytes_ = 0;
};

}  // namespace sluice::groups
