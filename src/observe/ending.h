// Each way an exchange or a tunnel can end. The name is the access log's "end"; there is one counter for
// each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::observe {

enum class Ending : std::uint8_t {
  kCompleted,            // the whole response was delivered (also one of Sluice's own, such as a 404)
  kRefused,              // the request was answered with an error of ours; "why" names the verdict
  kClientGone,           // the client closed or reset before its response was complete
  kClientHeadTimeout,    // 408: the head did not arrive in time
  kClientBodyTimeout,    // 408 or cut: the request body stalled
  kClientBodyCut,        // the client ended its request body early
  kClientBodyMalformed,  // broken chunk framing
  kClientBodyTooLarge,   // 413
  kClientStalled,        // the client took no byte of the response for body_idle
  kNoServer,             // 503: every server of the upstream is down or has no address
  kConnectFailed,        // 502
  kConnectTimeout,       // 504
  kUpstreamGone,         // 502: closed or reset before a response head
  kUpstreamHeadTimeout,  // 504
  kUpstreamHeadInvalid,  // 502
  kUpstreamCut,          // the response body ended early: the client sees a cut
  kUpstreamMalformed,    // broken chunk framing in the response: cut
  kUpstreamStalled,      // no byte of the response body for body_idle: cut
  kFileCut,              // the file shrank while it was sent: cut
  kFileFailed,           // reading it failed: cut
  kClientInvalid,        // a Kafka client's request could not be read: cut
  kTunnelIdle,           // no byte in either direction for tunnel_idle
  kTunnelFailed,         // one side was reset
  kDrained,              // cut by the drain deadline
  kInternal,             // the ledger did not balance, or memory ran out: cut, and logged as an error
};
inline constexpr std::size_t kEndings = 25;

const char* name_of(Ending ending) noexcept;  // "completed", "client-gone", ...

}  // namespace sluice::observe
