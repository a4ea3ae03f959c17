#include "groups/group_states.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "catch.h"

using namespace sluice::groups;

namespace {

constexpr int kStates = static_cast<int>(GroupState::kDead) + 1;
constexpr int kInputs = static_cast<int>(GroupInput::kForgotten) + 1;

}  // namespace

TEST_CASE("every drawn edge of a group leads where it says; what is not drawn changes nothing, and says so",
          "[group-states]") {
  int drawn_edges = 0;
  for (int state = 0; state < kStates; ++state)
    for (int input = 0; input < kInputs; ++input) {
      const auto from = static_cast<GroupState>(state);
      const auto by = static_cast<GroupInput>(input);
      int edges = 0;
      GroupState to = from;
      for (const GroupEdge& edge : kGroupEdges)
        if (edge.from == from && edge.input == by) {
          ++edges;
          to = edge.to;
        }
      INFO("from " << name_of(from) << " by " << input);
      CHECK(edges <= 1);
      bool drawn = edges == 0;
      CHECK(next(from, by, drawn) == to);
      CHECK(drawn == (edges == 1));
      drawn_edges += edges;
    }
  CHECK(drawn_edges == static_cast<int>(kGroupEdges.size()));
}

TEST_CASE("every state of a group is reached from the first, and can end; only kDead is for good",
          "[group-states]") {
  std::set<GroupState> reached = {GroupState::kEmpty}, ends = {GroupState::kDead};
  for (int round = 0; round < kStates; ++round)
    for (const GroupEdge& edge : kGroupEdges) {
      if (reached.contains(edge.from)) reached.insert(edge.to);
      if (ends.contains(edge.to)) ends.insert(edge.from);
    }
  CHECK(reached.size() == kStates);
  CHECK(ends.size() == kStates);
  for (const GroupEdge& edge : kGroupEdges) CHECK(edge.from != GroupState::kDead);
}

TEST_CASE("members come and go by a rebalance only, and a group dies empty", "[group-states]") {
  for (const GroupEdge& edge : kGroupEdges) {
    if (edge.to == GroupState::kDead) CHECK(edge.from == GroupState::kEmpty);
    if (edge.to == GroupState::kEmpty) CHECK(edge.from == GroupState::kPreparingRebalance);
    if (edge.to == GroupState::kStable) CHECK(edge.from == GroupState::kCompletingRebalance);
  }
}

TEST_CASE("the picture of a group names every state", "[group-states]") {
  std::ifstream file(std::filesystem::path(SLUICE_SOURCES) / "src/groups/group_states.h");
  if (!file) {
    WARN("the sources are not where they were compiled");
    return;
  }
  std::string picture;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("//")) picture += line;
  for (int state = 0; state < kStates; ++state) {
    const std::string name = std::string("k") + name_of(static_cast<GroupState>(state));
    INFO(name);
    CHECK(picture.find(name) != std::string::npos);
  }
}
