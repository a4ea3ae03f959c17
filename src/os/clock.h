// The two clocks. Monotonic for every wait and duration; wall time only for Date headers and the log.
#pragma once

#include <chrono>

namespace sluice::os {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

Time now() noexcept;
WallTime wall_now() noexcept;

}  // namespace sluice::os
