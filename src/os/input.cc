#include "os/input.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "os/clock.h"
#include "os/retry.h"

namespace sluice::os {

UniqueFd catch_end_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Input wait_for_input(int fd, int signals, std::optional<std::chrono::milliseconds> longest) noexcept {
  std::array<pollfd, 2> watched{pollfd{.fd = signals, .events = POLLIN, .revents = 0},
                                pollfd{.fd = fd, .events = POLLIN, .revents = 0}};
  const auto until = now() + longest.value_or(std::chrono::milliseconds(0));
  for (;;) {
    int left = -1;
    if (longest) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
      left = static_cast<int>(std::clamp<std::int64_t>(rest, 0, std::numeric_limits<int>::max()));
    }
    const int ready = ::poll(watched.data(), watched.size(), left);
    if (ready < 0) continue;  // EINTR; nothing else can be wrong with two descriptors
    if (watched[0].revents != 0) return Input::kSignal;
    if (watched[1].revents != 0) return Input::kReadable;
    if (ready == 0) return Input::kNothing;
  }
}

IoResult read_some(int fd, std::span<char> into) noexcept {
  return retry_eintr([&] { return ::read(fd, into.data(), into.size()); });
}

}  // namespace sluice::os
