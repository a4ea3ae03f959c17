// The life of a proxied exchange as a table. What is not drawn here is an error, and a test looks for it.
//
//   kFindingServer ──picked──▶ kConnecting ──connected──▶ kAwaitingHead ──head──▶ kRelayingBody
//   ──delivered──▶ kDone
//     │   ▲  │ reused              │                        │  │   │ ▲ interim (1xx)      │
//     │   │  └─────────────────────┼───────────────────────▶│  │   └─┘                    │
//     │   └───another server, or a fresh connection─────────┘  │                          │
//     │                            │                           ├──101──▶ kTunnel ──ended──┼──▶ kDone
//     ▼ nobody                     ▼                           ▼ nothing usable           ▼ cut
//   kAnswering (an error of our own) ────────────────────────delivered─────────────────▶ kDone
//
// The request's body flows beside this, in kAwaitingHead and kRelayingBody: a response may begin, and even
// end, before the request does.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::serve {

enum class ProxyState : std::uint8_t {
  kFindingServer,  // also while names are being looked up
  kConnecting,
  kAwaitingHead,  // the request is on its way
  kRelayingBody,
  kTunnel,     // after 101: bytes both ways, no HTTP any more
  kAnswering,  // an answer of our own, instead of one from upstream
  kDone,
};

enum class ProxyInput : std::uint8_t {
  kServerPicked,
  kConnectionReused,
  kConnected,
  kTryAgain,
  kGiveUp,
  kInterim,
  kHead,
  kSwitched,
  kDelivered,
  kCut,
};

struct ProxyEdge {
  ProxyState from;
  ProxyInput input;
  ProxyState to;
};

inline constexpr auto kProxyEdges = std::to_array<ProxyEdge>({
    {ProxyState::kFindingServer, ProxyInput::kServerPicked, ProxyState::kConnecting},
    {ProxyState::kFindingServer, ProxyInput::kConnectionReused, ProxyState::kAwaitingHead},
    {ProxyState::kFindingServer, ProxyInput::kGiveUp, ProxyState::kAnswering},
    {ProxyState::kFindingServer, ProxyInput::kCut, ProxyState::kDone},
    {ProxyState::kConnecting, ProxyInput::kConnected, ProxyState::kAwaitingHead},
    {ProxyState::kConnecting, ProxyInput::kTryAgain, ProxyState::kFindingServer},
    {ProxyState::kConnecting, ProxyInput::kGiveUp, ProxyState::kAnswering},
    {ProxyState::kConnecting, ProxyInput::kCut, ProxyState::kDone},
    {ProxyState::kAwaitingHead, ProxyInput::kTryAgain, ProxyState::kFindingServer},
    {ProxyState::kAwaitingHead, ProxyInput::kInterim, ProxyState::kAwaitingHead},
    {ProxyState::kAwaitingHead, ProxyInput::kHead, ProxyState::kRelayingBody},
    {ProxyState::kAwaitingHead, ProxyInput::kSwitched, ProxyState::kTunnel},
    {ProxyState::kAwaitingHead, ProxyInput::kGiveUp, ProxyState::kAnswering},
    {ProxyState::kAwaitingHead, ProxyInput::kCut, ProxyState::kDone},
    {ProxyState::kRelayingBody, ProxyInput::kDelivered, ProxyState::kDone},
    {ProxyState::kRelayingBody, ProxyInput::kGiveUp, ProxyState::kAnswering},  // nothing had been sent yet
    {ProxyState::kRelayingBody, ProxyInput::kCut, ProxyState::kDone},
    {ProxyState::kTunnel, ProxyInput::kDelivered, ProxyState::kDone},
    {ProxyState::kTunnel, ProxyInput::kCut, ProxyState::kDone},
    {ProxyState::kAnswering, ProxyInput::kDelivered, ProxyState::kDone},
    {ProxyState::kAnswering, ProxyInput::kCut, ProxyState::kDone},
});

// kDone for an edge that is not drawn: the exchange ends rather than hangs. `drawn` tells the two apart.
constexpr ProxyState next(ProxyState from, ProxyInput input, bool& drawn) noexcept {
  for (const ProxyEdge& edge : kProxyEdges) {
    if (edge.from == from && edge.input == input) {
      drawn = true;
      return edge.to;
    }
  }
  drawn = false;
  return ProxyState::kDone;
}

}  // namespace sluice::serve
