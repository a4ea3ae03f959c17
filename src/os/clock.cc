#include "os/clock.h"

#include <ctime>

namespace sluice::os {

Time now() noexcept { return Clock::now(); }
WallTime wall_now() noexcept { return std::chrono::system_clock::now(); }

std::chrono::nanoseconds thread_cpu_time() noexcept {
  timespec spent{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

}  // namespace sluice::os
