// How much of what costs us and tells nothing a peer may send: cancelled streams and control frames, per time window.
//
// Source    RFC 9113 section 10.5; CVE-2019-9511 to 9518 (floods), CVE-2023-44487 (rapid reset), CVE-2024-27316
//           (CONTINUATION), CVE-2025-8671 (the peer makes us reset).
#pragma once

#include <chrono>

#include "os/clock.h"

namespace sluice::http2 {

struct FloodLimits {
  unsigned resets = 200;           // streams that end by RST_STREAM of the peer's making, within `window`
  unsigned control_frames = 1000;  // PING, SETTINGS, PRIORITY, CONTINUATION, empty DATA, within `window`
  std::chrono::milliseconds window{10000};
};

class FloodGuard {
 public:
  explicit FloodGuard(const FloodLimits& limits) noexcept : limits_(limits) {}

  // false: that was one too many.
  [[nodiscard]] bool reset(os::Time now) noexcept { return count(resets_, limits_.resets, now); }
  [[nodiscard]] bool control_frame(os::Time now) noexcept {
    return count(controls_, limits_.control_frames, now);
  }

 private:
  struct Window {
    os::Time began{};
    unsigned seen = 0;
  };
  bool count(Window& window, unsigned most, os::Time now) const noexcept {
    if (now - window.began >= limits_.window) window = {.began = now, .seen = 0};
    return ++window.seen <= most;
  }

  FloodLimits limits_;
  Window resets_, controls_;
};

}  // namespace sluice::http2
