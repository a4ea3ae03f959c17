// The one place that loops on EINTR, and the one that reads errno.
#pragma once

#include <sys/types.h>
#include <cerrno>

#include "os/io_result.h"

namespace sluice::os {

template <typename Call>
IoResult retry_eintr(Call call) noexcept {
  for (;;) {
    const ssize_t n = call();
    if (n >= 0) return {.bytes = static_cast<std::size_t>(n), .error = 0};
    if (errno != EINTR) return {.bytes = 0, .error = errno};
  }
}

}  // namespace sluice::os
