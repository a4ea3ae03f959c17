#include "groups/registry.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "groups/refusal.h"
#include "groups/registry_entry.h"
#include "observe/json_text.h"

namespace sluice::groups {

namespace {

using kafka::ErrorCode;
using std::chrono::milliseconds;

constexpr std::size_t kGroupCost = 1024;     // of an entry, about, beside its name
constexpr std::size_t kLongestPrefix = 200;  // of a member id
constexpr auto kSweep = std::chrono::minutes(10);
// A loop that was held up, by a slow disk say, finds deadlines that passed and heartbeats that it has not read yet:
// those come first.
constexpr milliseconds kHeldUp{1000}, kGrace{500};

std::size_t bytes_of(const kafka::JoinGroupRequest& request) {
  std::size_t bytes = 0;
  for (const auto& each : request.protocols) bytes += each.name.size() + each.metadata.size();
  return bytes;
}

std::size_t bytes_of(const kafka::SyncGroupRequest& request) {
  std::size_t bytes = 0;
  for (const auto& each : request.assignments) bytes += each.assignment.size();
  return bytes;
}

std::size_t bytes_of(const kafka::DescribeGroupsResponse::Group& group) {
  std::size_t bytes = 0;
  for (const auto& each : group.members)
    bytes += each.member_id.size() + each.member_metadata.size() + each.member_assignment.size();
  return bytes;
}

}  // namespace

Registry::Registry(Store& store, loop::EventLoop& loop, const Limits& limits, Sums& sums)
    : store_(store), loop_(loop), limits_(limits), sums_(sums), turn_(store, loop) {
  load();
}

Registry::~Registry() = default;

void Registry::load() {
  const auto id_maker = [this](const std::string& prefix) { return new_member_id(prefix); };
  const os::Time now = loop_.now();
  for (const GroupRecord& record : store_.groups()) {
    Entry& entry =
        add(std::make_unique<Entry>(*this, record.group_id, Group(record, limits_, id_maker, now)));
    entry.empty_since = record.written;
  }
  for (const auto& [id, count] : store_.offset_counts()) {
    Entry* entry = find(id);
    if (entry == nullptr) entry = &add(std::make_unique<Entry>(*this, id, Group(id, limits_, id_maker)));
    entry->offsets = count;
    offsets_ += count;
  }
  for (auto& [id, entry] : entries_) settle(*entry);
  on_deadline();
}

// --- requests ----------------------------------------------------------------------------------------------------

void Registry::join(kafka::JoinGroupRequest request, int version, Caller caller, JoinAsker asker) {
  if (request.group_id.empty()) return asker.answer(refusal(request, version, ErrorCode::kInvalidGroupId));
  Entry* entry = find(request.group_id);
  if (entry == nullptr && !request.member_id.empty())
    return asker.answer(refusal(request, version, ErrorCode::kUnknownMemberId));
  if (!has_room(bytes_of(request)) || (entry == nullptr && entries_.size() >= limits_.groups))
    return asker.answer(refusal(request, version, ErrorCode::kGroupMaxSizeReached));
  if (entry == nullptr)
    entry = &add(std::make_unique<Entry>(*this, request.group_id,
                                         Group(request.group_id, limits_, [this](const std::string& prefix) {
                                           return new_member_id(prefix);
                                         })));
  entry->group.join(std::move(request), version, std::move(caller), std::move(asker), loop_.now());
  settle(*entry);
}

void Registry::sync(kafka::SyncGroupRequest request, int version, SyncAsker asker) {
  if (request.group_id.empty()) return asker.answer(refusal(request, version, ErrorCode::kInvalidGroupId));
  Entry* const entry = find(request.group_id);
  if (entry == nullptr) return asker.answer(refusal(request, version, ErrorCode::kUnknownMemberId));
  if (!has_room(bytes_of(request)))
    return asker.answer(refusal(request, version, ErrorCode::kGroupMaxSizeReached));
  // An assignment counts when it is written: else a restart would forget what members were told.
  const auto held = [this, answer = std::move(asker.answer)](kafka::SyncGroupResponse response) {
    turn_.then([answer, response = std::move(response)](bool written) mutable {
      if (!written) refuse(response, ErrorCode::kCoordinatorNotAvailable);
      answer(std::move(response));
    });
  };
  entry->group.sync(std::move(request), {.answer = held, .gone = std::move(asker.gone)}, loop_.now());
  settle(*entry);
}

void Registry::heartbeat(const kafka::HeartbeatRequest& request,
                         const Answer<kafka::HeartbeatResponse>& answer) {
  if (request.group_id.empty()) return answer({.error_code = ErrorCode::kInvalidGroupId});
  Entry* const entry = find(request.group_id);
  answer({.error_code =
              entry == nullptr ? ErrorCode::kUnknownMemberId : entry->group.heartbeat(request, loop_.now())});
}

void Registry::leave(const kafka::LeaveGroupRequest& request, int version,
                     const Answer<kafka::LeaveGroupResponse>& answer) {
  if (request.group_id.empty()) return answer({.error_code = ErrorCode::kInvalidGroupId});
  Entry* const entry = find(request.group_id);
  const auto leave_one = [&](const std::string& member_id, const std::optional<std::string>& instance_id) {
    return entry == nullptr ? ErrorCode::kUnknownMemberId
                            : entry->group.leave(member_id, instance_id, loop_.now());
  };
  kafka::LeaveGroupResponse response;
  if (version < 3) response.error_code = leave_one(request.member_id, std::nullopt);
  if (version >= 3)
    for (const auto& each : request.members)
      response.members.push_back({.member_id = each.member_id,
                                  .group_instance_id = each.group_instance_id,
                                  .error_code = leave_one(each.member_id, each.group_instance_id)});
  if (entry != nullptr) settle(*entry);
  answer(std::move(response));
}

void Registry::describe(const kafka::DescribeGroupsRequest& request,
                        const Answer<kafka::DescribeGroupsResponse>& answer) const {
  kafka::DescribeGroupsResponse response;
  std::size_t bytes = 0;
  for (const std::string& id : request.groups) {
    const auto found = entries_.find(id);
    if (bytes > limits_.answer) {  // one group asked for a thousand times, say
      response.groups.push_back({.error_code = ErrorCode::kInvalidRequest, .group_id = id});
    } else if (found == entries_.end()) {
      response.groups.push_back({.group_id = id, .group_state = name_of(GroupState::kDead)});
    } else {
      response.groups.push_back(found->second->group.describe());
    }
    bytes += bytes_of(response.groups.back());
  }
  answer(std::move(response));
}

void Registry::list(const kafka::ListGroupsRequest& request,
                    const Answer<kafka::ListGroupsResponse>& answer) const {
  kafka::ListGroupsResponse response;
  for (const auto& [id, entry] : entries_) {
    const std::string state = name_of(entry->group.state());
    if (request.states_filter.empty() ||
        std::ranges::find(request.states_filter, state) != request.states_filter.end())
      response.groups.push_back(
          {.group_id = id, .protocol_type = entry->group.protocol_type(), .group_state = state});
  }
  answer(std::move(response));
}

void Registry::remove(const kafka::DeleteGroupsRequest& request, Answer<kafka::DeleteGroupsResponse> answer) {
  kafka::DeleteGroupsResponse response;
  for (const std::string& id : request.groups_names) {
    auto& result = response.results.emplace_back();
    result.group_id = id;
    Entry* const entry = find(id);
    if (entry == nullptr) {
      result.error_code = ErrorCode::kGroupIdNotFound;
    } else if (entry->group.state() != GroupState::kEmpty) {
      result.error_code = ErrorCode::kNonEmptyGroup;
    } else {
      (void)store_.remove_offsets(id);
      turn_.drop(id);
      change_offsets(*entry, -static_cast<std::ptrdiff_t>(entry->offsets));
    }
  }
  turn_.then([answer = std::move(answer), response = std::move(response)](bool written) mutable {
    if (!written) refuse(response, ErrorCode::kCoordinatorNotAvailable);
    answer(std::move(response));
  });
}

void Registry::close() {
  for (auto& [id, entry] : entries_) entry->group.close(ErrorCode::kCoordinatorNotAvailable);
  turn_.flush_all();
}

// --- groups ------------------------------------------------------------------------------------------------------

Registry::Entry* Registry::find(const std::string& group_id) {
  const auto found = entries_.find(group_id);
  return found == entries_.end() ? nullptr : found->second.get();
}

bool Registry::has_room(std::size_t bytes) const noexcept { return bytes_ + bytes <= limits_.memory; }

Registry::Entry& Registry::add(std::unique_ptr<Entry> entry) {
  Entry& added = *entry;
  added.generation = added.group.generation();
  bytes_ += kGroupCost + added.id.size();
  entries_.emplace(added.id, std::move(entry));
  sums_.groups = entries_.size();
  return added;
}

void Registry::settle(Entry& entry) {
  Group& group = entry.group;
  bytes_ = bytes_ - std::exchange(entry.bytes, group.bytes()) + group.bytes();
  sums_.members += group.size() - std::exchange(entry.members, group.size());
  if (std::exchange(entry.generation, group.generation()) != group.generation()) ++sums_.rebalances;
  if (group.take_changed()) {
    const os::WallTime now = os::wall_now();
    if (group.state() == GroupState::kEmpty) entry.empty_since = now;
    if (group.state() == GroupState::kEmpty && entry.offsets == 0) {
      turn_.drop(entry.id);
    } else {
      turn_.save(group.record(now));
    }
  }
  if (const auto at = group.deadline()) {
    entry.due = *at;
    loop_.deadlines().set(entry, *at);
  } else {
    entry.cancel();
  }
  // Not here: the turn may have more to say about it, or not be written.
  if (group.state() == GroupState::kEmpty && entry.offsets == 0)
    turn_.then([this, id = entry.id](bool) { forget_if_idle(id); });
}

void Registry::Entry::on_deadline() {
  const os::Time now = owner.loop_.now();
  if (now > due + kHeldUp) {
    due = now + kGrace;
    return owner.loop_.deadlines().set(*this, due);
  }
  group.expire(now);
  owner.settle(*this);
}

void Registry::forget_if_idle(const std::string& group_id) {
  Entry* const entry = find(group_id);
  if (entry == nullptr || entry->offsets != 0 || !entry->group.forget()) return;
  bytes_ -= kGroupCost + entry->id.size() + entry->bytes;
  entries_.erase(group_id);
  sums_.groups = entries_.size();
}

// Kafka's form: what the client calls itself, and what nobody can guess, for who knows it may speak for the member.
std::string Registry::new_member_id(const std::string& prefix) const {
  std::random_device random;
  std::string id(observe::cut_text(prefix, kLongestPrefix));
  for (int i = 0; i < 4; ++i) fmt::format_to(std::back_inserter(id), "-{:08x}", random());
  return id;
}

// --- old offsets -------------------------------------------------------------------------------------------------

void Registry::on_deadline() {
  const os::WallTime before = os::wall_now() - limits_.keep_offsets;
  for (auto& [id, entry] : entries_) {
    if (entry->group.state() != GroupState::kEmpty || entry->offsets == 0 || entry->empty_since >= before)
      continue;
    const auto gone = store_.expire(id, before);
    if (!gone.has_value() || *gone == 0) continue;
    change_offsets(*entry, -static_cast<std::ptrdiff_t>(*gone));
    if (entry->offsets == 0) turn_.drop(id);
  }
  loop_.deadlines().set(*this, loop_.now() + kSweep);
}

void Registry::change_offsets(Entry& entry, std::ptrdiff_t by) {
  const auto add_to = [](std::size_t& sum, std::ptrdiff_t more) {
    sum = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(sum) + more);
  };
  add_to(entry.offsets, by);
  add_to(offsets_, by);
  turn_.then([this, add_to, by, id = entry.id](bool written) {
    Entry* const changed = find(id);
    if (changed == nullptr) return;
    if (!written) {
      add_to(changed->offsets, -by);
      add_to(offsets_, -by);
    }
    forget_if_idle(id);
  });
}

}  // namespace sluice::groups
