// The life of a consumer group as a table. What is not drawn here is an error, and a test looks for it.
//
//   kEmpty ──rebalance──▶ kPreparingRebalance ──all joined──▶ kCompletingRebalance ──leader synced──▶ kStable
//     │  ▲                  │   ▲   ▲                               │                                   │
//     │  └──nobody left─────┘   │   └──────────rebalance────────────┘                                   │
//     │                         └──────────────rebalance────────────────────────────────────────────────┘
//     └──forgotten──▶ kDead
//
// A rebalance is wanted when a member comes, goes, is not heard of in time, or brings another subscription. While
// preparing, answers to JoinGroup are held back; while completing, those to SyncGroup, until the leader's assignment
// is there. "All joined" is also what the end of the rebalance timeout makes of those who did.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::groups {

enum class GroupState : std::uint8_t {
  kEmpty,  // no members; there may be committed offsets
  kPreparingRebalance,
  kCompletingRebalance,
  kStable,
  kDead,  // neither members nor offsets
};

enum class GroupInput : std::uint8_t {
  kRebalance,
  kAllJoined,
  kNobodyLeft,
  kLeaderSynced,
  kForgotten,
};

struct GroupEdge {
  GroupState from;
  GroupInput input;
  GroupState to;
};

inline constexpr auto kGroupEdges = std::to_array<GroupEdge>({
    {GroupState::kEmpty, GroupInput::kRebalance, GroupState::kPreparingRebalance},
    {GroupState::kEmpty, GroupInput::kForgotten, GroupState::kDead},
    {GroupState::kPreparingRebalance, GroupInput::kAllJoined, GroupState::kCompletingRebalance},
    {GroupState::kPreparingRebalance, GroupInput::kNobodyLeft, GroupState::kEmpty},
    {GroupState::kCompletingRebalance, GroupInput::kLeaderSynced, GroupState::kStable},
    {GroupState::kCompletingRebalance, GroupInput::kRebalance, GroupState::kPreparingRebalance},
    {GroupState::kStable, GroupInput::kRebalance, GroupState::kPreparingRebalance},
});

// The same state for an edge that is not drawn; `drawn` tells the two apart.
constexpr GroupState next(GroupState from, GroupInput input, bool& drawn) noexcept {
  for (const GroupEdge& edge : kGroupEdges) {
    if (edge.from == from && edge.input == input) {
      drawn = true;
      return edge.to;
    }
  }
  drawn = false;
  return from;
}

// As DescribeGroups and ListGroups call them.
constexpr const char* name_of(GroupState state) noexcept {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  return "Dead";
}

}  // namespace sluice::groups
