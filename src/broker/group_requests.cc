// What consumer groups ask: the coordinator answers, on a thread of its own.
#include "broker/asking.h"

namespace sluice::broker {

namespace {

using kafka::ErrorCode;

// Waits for the coordinator's answer. It is given up by dropping `alive`.
template <typename Response>
class GroupCall final : public Call {
 public:
  explicit GroupCall(Asking& asking) : reply_(reply_to(asking)), answered_(std::move(asking.answered)) {}

  groups::Reply<Response> reply(loop::EventLoop& loop) {
    return {.loop = &loop, .owner = alive_, .call = [this](const Response& response) {
              const Answered answered = std::move(answered_);  // this may be destroyed on the way
              answered(reply_.of(response));
            }};
  }

 private:
  const Reply reply_;
  Answered answered_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

template <typename Response, typename Ask>
Taken ask_coordinator(Asking& asking, const std::string& group, Ask&& ask) {
  asking.asked.subject = group;
  auto call = std::make_unique<GroupCall<Response>>(asking);
  ask(*asking.broker.coordinator, call->reply(asking.broker.loop));
  return {.call = std::move(call)};
}

}  // namespace

Taken find_coordinator(Asking& asking, kafka::FindCoordinatorRequest request) {
  const Broker& broker = asking.broker;
  constexpr std::int8_t kGroup = 0;
  const bool known = request.key_type == kGroup;
  const ErrorCode error = known ? ErrorCode::kNone : ErrorCode::kCoordinatorNotAvailable;
  const std::optional<std::string> message =
      known ? std::nullopt : std::optional<std::string>("only groups of consumers have a coordinator here");
  const std::int32_t node = known ? kNode : -1, port = known ? broker.port : -1;
  const std::string host = known ? broker.host : "";

  kafka::FindCoordinatorResponse response{
      .error_code = error, .error_message = message, .node_id = node, .host = host, .port = port};
  for (const std::string& key : request.coordinator_keys)
    response.coordinators.push_back({.key = key,
                                     .node_id = node,
                                     .host = host,
                                     .port = port,
                                     .error_code = error,
                                     .error_message = message});
  return at_once(asking, response);
}

Taken join_group(Asking& asking, kafka::JoinGroupRequest request) {
  groups::Caller caller{.client_id = std::string(asking.header.client_id.value_or("")),
                        .client_host = asking.broker.client_host};
  return ask_coordinator<kafka::JoinGroupResponse>(
      asking, request.group_id, [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.join(std::move(request), asking.header.version, std::move(caller), std::move(reply));
      });
}

Taken sync_group(Asking& asking, kafka::SyncGroupRequest request) {
  return ask_coordinator<kafka::SyncGroupResponse>(asking, request.group_id,
                                                   [&](groups::Coordinator& coordinator, auto reply) {
                                                     coordinator.sync(std::move(request), std::move(reply));
                                                   });
}

Taken heartbeat(Asking& asking, kafka::HeartbeatRequest request) {
  return ask_coordinator<kafka::HeartbeatResponse>(
      asking, request.group_id, [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.heartbeat(std::move(request), std::move(reply));
      });
}

Taken leave_group(Asking& asking, kafka::LeaveGroupRequest request) {
  return ask_coordinator<kafka::LeaveGroupResponse>(
      asking, request.group_id, [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.leave(std::move(request), asking.header.version, std::move(reply));
      });
}

Taken offset_commit(Asking& asking, kafka::OffsetCommitRequest request) {
  return ask_coordinator<kafka::OffsetCommitResponse>(
      asking, request.group_id, [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.commit(std::move(request), std::move(reply));
      });
}

Taken offset_fetch(Asking& asking, kafka::OffsetFetchRequest request) {
  return ask_coordinator<kafka::OffsetFetchResponse>(
      asking, request.groups.empty() ? request.group_id : request.groups.front().group_id,
      [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.fetch(std::move(request), asking.header.version, std::move(reply));
      });
}

Taken describe_groups(Asking& asking, kafka::DescribeGroupsRequest request) {
  return ask_coordinator<kafka::DescribeGroupsResponse>(
      asking, request.groups.empty() ? "" : request.groups.front(),
      [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.describe(std::move(request), std::move(reply));
      });
}

Taken list_groups(Asking& asking, kafka::ListGroupsRequest request) {
  return ask_coordinator<kafka::ListGroupsResponse>(asking, "",
                                                    [&](groups::Coordinator& coordinator, auto reply) {
                                                      coordinator.list(std::move(request), std::move(reply));
                                                    });
}

Taken delete_groups(Asking& asking, kafka::DeleteGroupsRequest request) {
  return ask_coordinator<kafka::DeleteGroupsResponse>(
      asking, request.groups_names.empty() ? "" : request.groups_names.front(),
      [&](groups::Coordinator& coordinator, auto reply) {
        coordinator.remove(std::move(request), std::move(reply));
      });
}

}  // namespace sluice::broker
