#include "relay/file.h"

#include <chrono>

namespace sluice::relay {

namespace {

// How long a probed window is trusted. Pages are evicted under memory pressure, seldom within seconds of
// their use.
constexpr std::uint32_t kTrustSeconds = 5;
// Above this many windows (4 GiB) nothing is remembered: the table would cost more than the probes.
constexpr std::uint64_t kMostWindows = 8192;

std::uint32_t seconds_of(os::Time t) noexcept {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count());
}

}  // namespace

bool File::known_resident(std::uint64_t offset, os::Time now) const noexcept {
  const std::uint64_t window = offset / kWindow;
  return window < resident_until_.size() && resident_until_[window] > seconds_of(now);
}

void File::remember_resident(std::uint64_t offset, os::Time now) noexcept {
  const std::uint64_t windows = size_ / kWindow + 1;
  if (windows > kMostWindows) return;
  if (resident_until_.empty()) resident_until_.resize(windows);
  if (const std::uint64_t window = offset / kWindow; window < windows) {
    resident_until_[window] = seconds_of(now) + kTrustSeconds;
  }
}

}  // namespace sluice::relay
