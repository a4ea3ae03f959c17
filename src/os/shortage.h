// Whether an errno tells that we are short of something, rather than what is wrong with what we asked for:
// another time may do.
#pragma once

#include <cerrno>

namespace sluice::os {

inline bool is_shortage(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
      return true;
    default:
      return false;
  }
}

}  // namespace sluice::os
