// A descriptor that one thread waits on and any thread can make readable.
//
// Source   eventfd(2).
#pragma once

#include "os/unique_fd.h"

namespace sluice::os {

UniqueFd open_wakeup() noexcept;  // invalid: errno says why (EMFILE, ENFILE)

// Makes it readable until it is drained; many calls before then are one. Any thread.
void signal_wakeup(int fd) noexcept;
void drain_wakeup(int fd) noexcept;

}  // namespace sluice::os
