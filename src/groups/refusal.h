// Answers to requests that can't be served, in each API's own way of saying so; and answers made anew into such.
#pragma once

#include <string>

#include "groups/members.h"
#include "kafka/error.h"
#include "kafka/messages.h"

namespace sluice::groups {

// Tells one who waits.
void refuse(const JoinAsker& asker, int version, kafka::ErrorCode why, const std::string& member_id);
void refuse(const SyncAsker& asker, kafka::ErrorCode why);

// Makes an answer that depends on the file say `why`, of everything in it.
void refuse(kafka::SyncGroupResponse& response, kafka::ErrorCode why);
void refuse(kafka::OffsetCommitResponse& response, kafka::ErrorCode why);
void refuse(kafka::OffsetFetchResponse& response, kafka::ErrorCode why);
void refuse(kafka::DeleteGroupsResponse& response, kafka::ErrorCode why);

// An answer to the request that says so; `version` is the request's.
kafka::JoinGroupResponse refusal(const kafka::JoinGroupRequest& request, int version, kafka::ErrorCode why);
kafka::SyncGroupResponse refusal(const kafka::SyncGroupRequest& request, int version, kafka::ErrorCode why);
kafka::HeartbeatResponse refusal(const kafka::HeartbeatRequest& request, int version, kafka::ErrorCode why);
kafka::LeaveGroupResponse refusal(const kafka::LeaveGroupRequest& request, int version, kafka::ErrorCode why);
kafka::OffsetCommitResponse refusal(const kafka::OffsetCommitRequest& request, int version,
                                    kafka::ErrorCode why);
kafka::OffsetFetchResponse refusal(const kafka::OffsetFetchRequest& request, int version,
                                   kafka::ErrorCode why);
kafka::DescribeGroupsResponse refusal(const kafka::DescribeGroupsRequest& request, int version,
                                      kafka::ErrorCode why);
kafka::ListGroupsResponse refusal(const kafka::ListGroupsRequest& request, int version, kafka::ErrorCode why);
kafka::DeleteGroupsResponse refusal(const kafka::DeleteGroupsRequest& request, int version,
                                    kafka::ErrorCode why);

}  // namespace sluice::groups
