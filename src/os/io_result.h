// What a system call that moves bytes came back with. errno becomes a value here, once.
#pragma once

#include <cerrno>
#include <cstddef>

namespace sluice::os {

struct [[nodiscard]] IoResult {
  std::size_t bytes = 0;  // moved; meaningful only when ok()
  int error = 0;          // errno, 0 for success. Never EINTR: os/ repeats interrupted calls itself

  [[nodiscard]] bool ok() const noexcept { return error == 0; }
  [[nodiscard]] bool would_block() const noexcept { return error == EAGAIN; }
  // The kernel will not do this with these descriptors, whatever is tried again: another call may.
  [[nodiscard]] bool refused() const noexcept {
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
  }
};

}  // namespace sluice::os
