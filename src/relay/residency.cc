#include "relay/residency.h"

#include <algorithm>
#include <array>

#include "os/file.h"

namespace sluice::relay {

namespace {
// The kernel reads ahead in 128 KiB and evicts in smaller lots; a probe every 32 KiB finds holes worth
// waiting for.
constexpr std::uint64_t kProbeStride = 32 * 1024;
}  // namespace

bool is_resident(const File& file, std::uint64_t from, std::uint64_t to) noexcept {
  char byte;
  for (std::uint64_t at = from; at < to; at = (at / kProbeStride + 1) * kProbeStride) {
    if (!os::read_resident(file.fd(), {&byte, 1}, at).ok()) return false;
  }
  return true;
}

int bring_in(const File& file, std::uint64_t from, std::uint64_t to) noexcept {
  std::array<char, 64 * 1024> sink;
  while (from < to) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(sink.size(), to - from));
    const os::IoResult got = os::read_at(file.fd(), {sink.data(), want}, from);
    if (!got.ok()) return got.error;
    if (got.bytes == 0) break;  // the file ends here: the sender sees it, too
    from += got.bytes;
  }
  return 0;
}

}  // namespace sluice::relay
