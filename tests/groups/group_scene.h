// One group without thread or file, and a clock in the test's hand.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "groups/group.h"

namespace sluice::testing {

using kafka::ErrorCode;

// What came back to one request: nothing yet, or an answer. More than one is a mistake that `times` shows.
template <typename Response>
struct Got {
  std::optional<Response> answer;
  int times = 0;
  bool hung_up = false;
  [[nodiscard]] bool waits() const { return times == 0; }
  [[nodiscard]] ErrorCode code() const {
    return answer.has_value() ? answer->error_code : ErrorCode::kUnknownServerError;
  }
};
using Joined = std::shared_ptr<Got<kafka::JoinGroupResponse>>;
using Synced = std::shared_ptr<Got<kafka::SyncGroupResponse>>;

template <typename Response>
groups::Asker<Response> asker_for(const std::shared_ptr<Got<Response>>& got) {
  return {.answer =
              [got](Response response) {
                got->answer = std::move(response);
                ++got->times;
              },
          .gone = [got] { return got->hung_up; }};
}

inline kafka::JoinGroupRequest join_request(const std::string& member_id = "",
                                            std::vector<groups::Protocol> protocols = {{"range", "topics"}}) {
  return {.group_id = "readers",
          .session_timeout_ms = 10'000,
          .rebalance_timeout_ms = 60'000,
          .member_id = member_id,
          .protocol_type = "consumer",
          .protocols = std::move(protocols)};
}

struct GroupScene {
  groups::Limits limits;
  os::Time now{std::chrono::hours(1)};
  int ids_given = 0;
  groups::Group::NewMemberId new_id = [this](const std::string& prefix) {
    return prefix + "-" + std::to_string(++ids_given);
  };
  groups::Group group{"readers", limits, new_id};

  Joined join(kafka::JoinGroupRequest request, int version = 3) {
    auto got = std::make_shared<Joined::element_type>();
    group.join(std::move(request), version, {"client", "/127.0.0.1"}, asker_for(got), now);
    return got;
  }

  Synced sync(const std::string& member_id, std::vector<kafka::SyncGroupRequest::Assignment> assignments = {},
              std::int32_t generation = -1) {
    return sync(kafka::SyncGroupRequest{.group_id = "readers",
                                        .generation_id = generation < 0 ? group.generation() : generation,
                                        .member_id = member_id,
                                        .assignments = std::move(assignments)});
  }
  Synced sync(kafka::SyncGroupRequest request) {
    auto got = std::make_shared<Synced::element_type>();
    group.sync(std::move(request), asker_for(got), now);
    return got;
  }

  ErrorCode heartbeat(const std::string& member_id, std::int32_t generation,
                      std::optional<std::string> instance_id = {}) {
    return group.heartbeat({.group_id = "readers",
                            .generation_id = generation,
                            .member_id = member_id,
                            .group_instance_id = std::move(instance_id)},
                           now);
  }
  ErrorCode heartbeat(const std::string& member_id) { return heartbeat(member_id, group.generation()); }

  ErrorCode commit(const std::string& member_id, std::int32_t generation,
                   std::optional<std::string> instance_id = {}) {
    return group.commit({.group_id = "readers",
                         .generation_id_or_member_epoch = generation,
                         .member_id = member_id,
                         .group_instance_id = std::move(instance_id)},
                        now);
  }

  // Time passes; the group is woken when it wants to be.
  void pass(std::chrono::milliseconds time) {
    const os::Time until = now + time;
    for (auto at = group.deadline(); at.has_value() && *at <= until; at = group.deadline()) {
      now = std::max(now, *at);
      group.expire(now);
    }
    now = until;
  }

  // A stable group: of `count` members, the first of which leads. Their ids.
  std::vector<std::string> stable(std::size_t count) {
    std::vector<Joined> joined;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) {
      joined.push_back(join(join_request()));
      for (std::size_t j = 0; j < i; ++j) joined[j] = join(join_request(ids[j]));
      ids.push_back(joined[i]->answer.value().member_id);
    }
    for (const std::string& id : ids)
      if (id != joined.back()->answer->leader) (void)sync(id);
    std::vector<kafka::SyncGroupRequest::Assignment> assignments;
    for (const std::string& id : ids) assignments.push_back({id, "of " + id});
    (void)sync(joined.back()->answer->leader, std::move(assignments));
    return ids;
  }
};

}  // namespace sluice::testing
