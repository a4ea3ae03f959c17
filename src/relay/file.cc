#include "relay/file.h"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace sluice::relay {

namespace {

// How long a probed window is trusted. Pages are evicted under memory pressure, seldom within seconds of
// their use.
constexpr std::uint32_t kTrustSeconds = 5;
// Above this many windows (4 GiB) nothing is remembered: the table would cost more than the probes.
constexpr std::uint64_t kMostWindows = 8192;

// A process may have 65530 mappings unless it is told otherwise (vm.max_map_count), and malloc() needs some, too.
constexpr int kMostMappings = 16384;
std::atomic<int> mappings{0};  // files may be closed by any thread

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

std::string_view File::map(std::uint64_t offset, std::size_t most) noexcept {
  const std::uint64_t at = offset / kMapped * kMapped;
  if (!mapped_.mapped() || mapped_at_ != at) {
    unmap();
    if (mappings.load(std::memory_order_relaxed) >= kMostMappings) return {};
    int error = 0;
    mapped_ =
        os::MappedFile::map(fd(), kMapped, error, at);  // also beyond the end: the file may grow into it
    if (error != 0) return {};
    mappings.fetch_add(1, std::memory_order_relaxed);
    mapped_at_ = at;
  }
  return mapped_.bytes().substr(offset - at, most);
}

void File::unmap() noexcept {
  if (!mapped_.mapped()) return;
  os::MappedFile gone = std::move(mapped_);
  mappings.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace sluice::relay
