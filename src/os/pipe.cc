#include "os/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "os/retry.h"

namespace sluice::os {

Pipe Pipe::open(std::size_t wanted, int& error) noexcept {
  Pipe out;
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1) {
    error = errno;
    return out;
  }
  error = 0;
  out.read_.reset(ends[0]);
  out.write_.reset(ends[1]);
  // Refused with EPERM above pipe-max-size or past the user's page quota: the default size serves as well.
  // Past the soft quota a new pipe silently has one page, so what was granted is always read back.
  (void)::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(wanted));
  const int granted = ::fcntl(ends[1], F_GETPIPE_SZ);
  out.capacity_ = granted > 0 ? static_cast<std::size_t>(granted) : 0;
  return out;
}

IoResult Pipe::drain(std::span<char> into) noexcept {
  const IoResult result = retry_eintr([&] { return ::read(read_.get(), into.data(), into.size()); });
  removed(result.bytes);
  return result;
}

}  // namespace sluice::os
