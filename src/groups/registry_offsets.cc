// Committed offsets: OffsetCommit and OffsetFetch. They live in the file alone.
#include "base/topic_name.h"
#include "groups/refusal.h"
#include "groups/registry.h"
#include "groups/registry_entry.h"

namespace sluice::groups {

using kafka::ErrorCode;

namespace {

// false: there is no room for it; nor for anything else then.
bool take(std::size_t& left, const CommittedOffset& offset) {
  constexpr std::size_t kPartition = 64;
  const std::size_t bytes = kPartition + offset.metadata.size();
  left = left > bytes ? left - bytes : 0;
  return left > 0;
}

}  // namespace

void Registry::commit(const kafka::OffsetCommitRequest& request, Answer<kafka::OffsetCommitResponse> answer) {
  Entry* entry = find(request.group_id);
  ErrorCode code = ErrorCode::kNone;
  if (entry != nullptr) {
    code = entry->group.commit(request, loop_.now());
  } else if (request.generation_id_or_member_epoch >= 0 || !request.member_id.empty()) {
    code = ErrorCode::kIllegalGeneration;  // of a group that is forgotten
  } else if (!has_room(0) || entries_.size() >= limits_.groups) {
    code = ErrorCode::kInvalidCommitOffsetSize;
  } else {  // somebody who assigns partitions himself and only keeps his offsets here
    entry = &add(std::make_unique<Entry>(*this, request.group_id,
                                         Group(request.group_id, limits_, [this](const std::string& prefix) {
                                           return new_member_id(prefix);
                                         })));
    settle(*entry);
  }
  kafka::OffsetCommitResponse response = refusal(request, 0, code);
  std::size_t added = 0;
  if (code == ErrorCode::kNone)
    for (std::size_t i = 0; i < request.topics.size(); ++i)
      for (std::size_t j = 0; j < request.topics[i].partitions.size(); ++j)
        response.topics[i].partitions[j].error_code =
            commit_one(*entry, request.topics[i].name, request.topics[i].partitions[j], added);
  if (added > 0) change_offsets(*entry, static_cast<std::ptrdiff_t>(added));
  turn_.then([answer = std::move(answer), response = std::move(response)](bool written) mutable {
    if (!written) refuse(response, ErrorCode::kCoordinatorNotAvailable);
    answer(std::move(response));
  });
}

ErrorCode Registry::commit_one(const Entry& entry, const std::string& topic,
                               const kafka::OffsetCommitRequest::Partition& partition, std::size_t& added) {
  if (!is_topic_name(topic) || partition.partition_index < 0) return ErrorCode::kUnknownTopicOrPartition;
  const std::string metadata = partition.committed_metadata.value_or("");
  if (metadata.size() > limits_.offset_metadata) return ErrorCode::kOffsetMetadataTooLarge;
  if (entry.offsets + added >= limits_.offsets || offsets_ + added >= limits_.all_offsets)
    return ErrorCode::kInvalidCommitOffsetSize;
  bool is_new = false;
  if (!store_.put_offset(entry.id, topic, partition.partition_index,
                         {partition.committed_offset, partition.committed_leader_epoch, metadata},
                         os::wall_now(), is_new))
    return ErrorCode::kCoordinatorNotAvailable;
  added += is_new ? 1 : 0;
  return ErrorCode::kNone;
}

void Registry::fetch(const kafka::OffsetFetchRequest& request, int version,
                     Answer<kafka::OffsetFetchResponse> answer) {
  kafka::OffsetFetchResponse response;
  std::size_t left = limits_.answer;
  if (version < 8) {
    response.error_code = fetch_group(request.group_id, request.topics, response.topics, left);
    if (response.error_code != ErrorCode::kNone) response = refusal(request, version, response.error_code);
  } else {
    for (const auto& asked : request.groups) {
      auto& group = response.groups.emplace_back();
      group.group_id = asked.group_id;
      group.error_code = fetch_group(asked.group_id, asked.topics, group.topics, left);
      if (group.error_code != ErrorCode::kNone) group.topics.clear();
    }
  }
  // What it read may have been written in this turn.
  turn_.then([answer = std::move(answer), response = std::move(response)](bool written) mutable {
    if (!written) refuse(response, ErrorCode::kCoordinatorNotAvailable);
    answer(std::move(response));
  });
}

// `left`: so many bytes may still be answered. A request may name one group a thousand times; it is refused
// where that ends, for what is missing in an answer would mean "nothing is committed".
ErrorCode Registry::fetch_group(const std::string& group_id,
                                const std::optional<std::vector<kafka::OffsetFetchRequest::Topic>>& asked,
                                FetchTopics& topics, std::size_t& left) {
  const bool read =
      asked.has_value() ? fetch_some(group_id, *asked, topics, left) : fetch_all(group_id, topics, left);
  if (!read) {
    turn_.failed();
    return ErrorCode::kCoordinatorNotAvailable;
  }
  return left == 0 ? ErrorCode::kInvalidRequest : ErrorCode::kNone;
}

bool Registry::fetch_all(const std::string& group_id, FetchTopics& topics, std::size_t& left) {
  return store_.each_offset(group_id, [&](std::string topic, std::int32_t partition, CommittedOffset offset) {
    if (!take(left, offset)) return;
    if (topics.empty() || topics.back().name != topic) topics.emplace_back().name = std::move(topic);
    topics.back().partitions.push_back({.partition_index = partition,
                                        .committed_offset = offset.offset,
                                        .committed_leader_epoch = offset.leader_epoch,
                                        .metadata = std::move(offset.metadata)});
  });
}

bool Registry::fetch_some(const std::string& group_id,
                          const std::vector<kafka::OffsetFetchRequest::Topic>& asked, FetchTopics& topics,
                          std::size_t& left) {
  for (const auto& topic : asked) {
    auto& answer = topics.emplace_back();
    answer.name = topic.name;
    for (const std::int32_t partition : topic.partition_indexes) {
      std::optional<CommittedOffset> found;
      if (!store_.find_offset(group_id, topic.name, partition, found)) return false;
      CommittedOffset offset = std::move(found).value_or(CommittedOffset{});
      if (!take(left, offset)) return true;
      answer.partitions.push_back({.partition_index = partition,
                                   .committed_offset = offset.offset,
                                   .committed_leader_epoch = offset.leader_epoch,
                                   .metadata = std::move(offset.metadata)});
    }
  }
  return true;
}

}  // namespace sluice::groups
