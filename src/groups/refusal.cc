#include "groups/refusal.h"

namespace sluice::groups {

using kafka::ErrorCode;

void refuse(const JoinAsker& asker, int version, ErrorCode why, const std::string& member_id) {
  asker.answer(refusal(kafka::JoinGroupRequest{.member_id = member_id}, version, why));
}

void refuse(const SyncAsker& asker, ErrorCode why) { asker.answer({.error_code = why}); }

void refuse(kafka::SyncGroupResponse& response, ErrorCode why) { response = {.error_code = why}; }

void refuse(kafka::OffsetCommitResponse& response, ErrorCode why) {
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions) partition.error_code = why;
}

void refuse(kafka::OffsetFetchResponse& response, ErrorCode why) {
  // Version 1 has no room but in the partitions; clients of version 2 and later look at the code above them first.
  response.error_code = why;
  const auto empty = [why](std::vector<kafka::OffsetFetchResponse::Topic>& topics) {
    for (auto& topic : topics)
      for (auto& partition : topic.partitions)
        partition = {.partition_index = partition.partition_index, .metadata = "", .error_code = why};
  };
  empty(response.topics);
  for (auto& group : response.groups) {
    group.error_code = why;
    empty(group.topics);
  }
}

void refuse(kafka::DeleteGroupsResponse& response, ErrorCode why) {
  for (auto& result : response.results) result.error_code = why;
}

kafka::JoinGroupResponse refusal(const kafka::JoinGroupRequest& request, int version, ErrorCode why) {
  kafka::JoinGroupResponse response{.error_code = why, .member_id = request.member_id};
  if (version < 7) response.protocol_name = "";  // null has no place there
  return response;
}

kafka::SyncGroupResponse refusal(const kafka::SyncGroupRequest&, int, ErrorCode why) {
  return {.error_code = why};
}
kafka::HeartbeatResponse refusal(const kafka::HeartbeatRequest&, int, ErrorCode why) {
  return {.error_code = why};
}
kafka::LeaveGroupResponse refusal(const kafka::LeaveGroupRequest&, int, ErrorCode why) {
  return {.error_code = why};
}

kafka::OffsetCommitResponse refusal(const kafka::OffsetCommitRequest& request, int, ErrorCode why) {
  kafka::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (const auto& partition : topic.partitions)
      answer.partitions.push_back({.partition_index = partition.partition_index, .error_code = why});
  }
  return response;
}

kafka::OffsetFetchResponse refusal(const kafka::OffsetFetchRequest& request, int version, ErrorCode why) {
  kafka::OffsetFetchResponse response;
  const auto copy = [](const auto& asked, std::vector<kafka::OffsetFetchResponse::Topic>& topics) {
    if (!asked.has_value()) return;
    for (const auto& topic : *asked) {
      auto& answer = topics.emplace_back();
      answer.name = topic.name;
      for (const std::int32_t index : topic.partition_indexes)
        answer.partitions.push_back({.partition_index = index, .metadata = ""});
    }
  };
  if (version < 8) copy(request.topics, response.topics);
  if (version >= 8)
    for (const auto& group : request.groups) {
      auto& answer = response.groups.emplace_back();
      answer.group_id = group.group_id;
      copy(group.topics, answer.topics);
    }
  if (why != ErrorCode::kNone) refuse(response, why);
  return response;
}

kafka::DescribeGroupsResponse refusal(const kafka::DescribeGroupsRequest& request, int, ErrorCode why) {
  kafka::DescribeGroupsResponse response;
  for (const std::string& id : request.groups) response.groups.push_back({.error_code = why, .group_id = id});
  return response;
}

kafka::ListGroupsResponse refusal(const kafka::ListGroupsRequest&, int, ErrorCode why) {
  return {.error_code = why};
}

kafka::DeleteGroupsResponse refusal(const kafka::DeleteGroupsRequest& request, int, ErrorCode why) {
  kafka::DeleteGroupsResponse response;
  for (const std::string& id : request.groups_names)
    response.results.push_back({.group_id = id, .error_code = why});
  return response;
}

}  // namespace sluice::groups
