#include "os/clock.h"

namespace sluice::os {

Time now() noexcept { return Clock::now(); }
WallTime wall_now() noexcept { return std::chrono::system_clock::now(); }

}  // namespace sluice::os
