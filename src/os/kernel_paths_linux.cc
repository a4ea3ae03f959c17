#include <fcntl.h>
#include <sys/sendfile.h>

#include <algorithm>

#include "os/kernel_paths.h"
#include "os/retry.h"

namespace sluice::os {

namespace {
// One call moves at most INT_MAX rounded down to a page, whatever is asked. Source: sendfile(2), NOTES.
constexpr std::size_t kMostPerCall = 0x7ffff000;
}  // namespace

KernelPaths kernel_paths() noexcept { return {.splice = true, .sendfile = true}; }

const char* kernel_paths_name() noexcept { return "sendfile+splice"; }

IoResult splice_in(int source, const Pipe& pipe, std::size_t want) noexcept {
  const std::size_t most = std::min(want, kMostPerCall);
  return retry_eintr([&] {
    return ::splice(source, nullptr, pipe.write_fd(), nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  });
}

IoResult splice_out(const Pipe& pipe, int sink, std::size_t want, bool more) noexcept {
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0U);
  return retry_eintr([&] { return ::splice(pipe.read_fd(), nullptr, sink, nullptr, want, flags); });
}

IoResult send_file(int sink, int file, std::uint64_t offset, std::size_t want) noexcept {
  auto position = static_cast<off_t>(offset);
  return retry_eintr([&] { return ::sendfile(sink, file, &position, std::min(want, kMostPerCall)); });
}

}  // namespace sluice::os
