// The signals an operator sends.
#pragma once

#include <csignal>

namespace sluice::os {

inline constexpr int kHangUp = SIGHUP;      // read the configuration again
inline constexpr int kReopen = SIGUSR1;     // log files were renamed
inline constexpr int kTerminate = SIGTERM;  // finish and end
inline constexpr int kInterrupt = SIGINT;   // likewise, from a terminal

}  // namespace sluice::os
