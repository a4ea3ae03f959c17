#include "os/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "os/retry.h"

namespace sluice::os {

UniqueFd open_wakeup() noexcept { return UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

void signal_wakeup(int fd) noexcept {
  const std::uint64_t one = 1;
  // EAGAIN would mean a count near 2^64: it is readable all the same.
  (void)retry_eintr([&] { return ::write(fd, &one, sizeof one); });
}

void drain_wakeup(int fd) noexcept {
  std::uint64_t count = 0;
  (void)retry_eintr([&] { return ::read(fd, &count, sizeof count); });  // takes the whole count at once
}

}  // namespace sluice::os
