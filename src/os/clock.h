// The clocks. Monotonic for every wait and duration; wall time only for Date headers and the log; the processor's for costs.
#pragma once

#include <chrono>

namespace sluice::os {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

Time now() noexcept;
WallTime wall_now() noexcept;

// What the calling thread has cost so far, in the kernel's work for it, too: differences tell. A system call each time,
// unlike the other two. Source: clock_gettime(2), CLOCK_THREAD_CPUTIME_ID.
std::chrono::nanoseconds thread_cpu_time() noexcept;

}  // namespace sluice::os
