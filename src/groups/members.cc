#include "groups/members.h"

#include <algorithm>
#include <utility>

namespace sluice::groups {

namespace {

constexpr std::size_t kOwnCost = 512;  // of a member's entry, about, with its id

std::size_t cost(const Member& member) {
  std::size_t bytes = kOwnCost + member.assignment.size() + member.caller.client_id.size();
  if (member.instance_id.has_value()) bytes += 2 * member.instance_id->size();
  for (const Protocol& protocol : member.protocols)
    bytes += sizeof(Protocol) + protocol.name.size() + protocol.metadata.size();
  return bytes;
}

}  // namespace

std::string_view Member::metadata(std::string_view protocol) const noexcept {
  for (const Protocol& each : protocols)
    if (each.name == protocol) return each.metadata;
  return {};
}

Member* Members::find(const std::string& id) noexcept {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

const std::string* Members::find_instance(const std::string& instance_id) const noexcept {
  const auto found = instances_.find(instance_id);
  return found == instances_.end() ? nullptr : &found->second;
}

Member& Members::add(const std::string& id, Member member) {
  Member& added = members_[id] = std::move(member);
  if (added.instance_id.has_value()) instances_[*added.instance_id] = id;
  count(added);
  return added;
}

void Members::offer(Member& member, std::vector<Protocol> protocols) {
  discount(member);
  member.protocols = std::move(protocols);
  count(member);
}

Member& Members::rename(const std::string& from, const std::string& to) {
  auto node = members_.extract(from);
  node.key() = to;
  Member& member = members_.insert(std::move(node)).position->second;
  if (member.instance_id.has_value()) instances_[*member.instance_id] = to;
  return member;
}

void Members::assign(Member& member, std::string assignment) {
  bytes_ = bytes_ - member.assignment.size() + assignment.size();
  member.assignment = std::move(assignment);
}

void Members::erase(const std::string& id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  discount(found->second);
  if (found->second.instance_id.has_value()) instances_.erase(*found->second.instance_id);
  members_.erase(found);
}

bool Members::agree(const std::vector<Protocol>& protocols, const Member* except) const {
  const std::size_t others = members_.size() - (except != nullptr ? 1 : 0);
  const auto all_offer = [&](const Protocol& protocol) {
    const auto offer = offers_.find(protocol.name);
    std::size_t count = offer == offers_.end() ? 0 : offer->second;
    if (except != nullptr &&
        std::ranges::find(except->protocols, protocol.name, &Protocol::name) != except->protocols.end())
      --count;
    return count == others;
  };
  return std::ranges::any_of(protocols, all_offer);
}

std::string Members::vote(const std::string& leader) const {
  std::map<std::string_view, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto best = std::ranges::find_if(
        member.protocols, [&](const Protocol& each) { return offers_.at(each.name) == members_.size(); });
    if (best != member.protocols.end()) ++votes[best->name];
  }
  std::string_view chosen;
  std::size_t most = 0;
  const auto order = members_.find(leader);
  if (order == members_.end()) return {};
  for (const Protocol& each : order->second.protocols)
    if (const auto got = votes.find(each.name); got != votes.end() && got->second > most) {
      chosen = each.name;
      most = got->second;
    }
  return std::string(chosen);
}

std::chrono::milliseconds Members::longest_rebalance() const noexcept {
  std::chrono::milliseconds longest{0};
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

void Members::count(const Member& member) {
  for (const Protocol& protocol : member.protocols) ++offers_[protocol.name];
  bytes_ += cost(member);
}

void Members::discount(const Member& member) {
  for (const Protocol& protocol : member.protocols)
    if (const auto offer = offers_.find(protocol.name); --offer->second == 0) offers_.erase(offer);
  bytes_ -= cost(member);
}

}  // namespace sluice::groups
