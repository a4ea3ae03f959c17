#include "serve/proxy_states.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "catch.h"

using namespace sluice::serve;

namespace {

constexpr int kStates = static_cast<int>(ProxyState::kDone) + 1;
constexpr int kInputs = static_cast<int>(ProxyInput::kCut) + 1;

}  // namespace

TEST_CASE("every drawn edge leads where it says, and no state has two for one input", "[proxy-states]") {
  std::set<std::pair<ProxyState, ProxyInput>> seen;
  for (const ProxyEdge& edge : kProxyEdges) {
    INFO("from " << static_cast<int>(edge.from) << " by " << static_cast<int>(edge.input));
    bool drawn = false;
    CHECK(next(edge.from, edge.input, drawn) == edge.to);
    CHECK(drawn);
    CHECK(seen.insert({edge.from, edge.input}).second);
  }
}

TEST_CASE("what is not drawn ends the exchange, and says so", "[proxy-states]") {
  int undrawn = 0;
  for (int state = 0; state < kStates; ++state)
    for (int input = 0; input < kInputs; ++input) {
      const auto from = static_cast<ProxyState>(state);
      const auto by = static_cast<ProxyInput>(input);
      bool exists = false;
      for (const ProxyEdge& edge : kProxyEdges) exists = exists || (edge.from == from && edge.input == by);
      INFO("from " << state << " by " << input);
      bool drawn = !exists;
      const ProxyState to = next(from, by, drawn);
      CHECK(drawn == exists);
      if (!exists) CHECK(to == ProxyState::kDone);
      undrawn += exists ? 0 : 1;
    }
  CHECK(undrawn == kStates * kInputs - static_cast<int>(kProxyEdges.size()));
}

TEST_CASE("every state is reached from the first, can be cut, and can end; the last one stays",
          "[proxy-states]") {
  std::set<ProxyState> reached = {ProxyState::kFindingServer}, ends = {ProxyState::kDone};
  for (int round = 0; round < kStates; ++round)
    for (const ProxyEdge& edge : kProxyEdges) {
      if (reached.contains(edge.from)) reached.insert(edge.to);
      if (ends.contains(edge.to)) ends.insert(edge.from);
    }
  for (int state = 0; state < kStates; ++state) {
    INFO("state " << state);
    const auto at = static_cast<ProxyState>(state);
    CHECK(reached.contains(at));
    CHECK(ends.contains(at));
    bool drawn = false;
    CHECK(next(at, ProxyInput::kCut, drawn) == ProxyState::kDone);
    CHECK(drawn == (at != ProxyState::kDone));  // a client may go away at any time
  }
  for (const ProxyEdge& edge : kProxyEdges) CHECK(edge.from != ProxyState::kDone);
}

TEST_CASE("once anything of the response is out there is no second try", "[proxy-states]") {
  for (const ProxyState from : {ProxyState::kRelayingBody, ProxyState::kTunnel, ProxyState::kAnswering}) {
    bool drawn = true;
    (void)next(from, ProxyInput::kTryAgain, drawn);
    CHECK_FALSE(drawn);
  }
}

TEST_CASE("the picture names every state", "[proxy-states]") {
  const auto path = std::filesystem::path(SLUICE_SOURCES) / "src/serve/proxy_states.h";
  std::ifstream file(path);
  if (!file) {
    WARN("the sources are not where they were compiled");
    return;
  }
  std::string line, picture, states;
  bool in_states = false;
  while (std::getline(file, line)) {
    if (line.starts_with("//")) picture += line + "\n";
    if (line.find("enum class ProxyState") != std::string::npos) in_states = true;
    if (in_states) states += line.substr(0, line.find("//")) + "\n";
    if (line.find('}') != std::string::npos) in_states = false;
  }
  const std::regex name("\\bk[A-Z][A-Za-z]*");
  int count = 0;
  for (std::sregex_iterator at(states.begin(), states.end(), name), end; at != end; ++at, ++count) {
    INFO(at->str());
    CHECK(picture.find(at->str()) != std::string::npos);
  }
  CHECK(count == kStates);
}
