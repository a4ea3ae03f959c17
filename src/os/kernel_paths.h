// The calls that move bytes without user memory, and whether this build has them.
//
// Two implementations: kernel_paths_linux.cc, and kernel_paths_portable.cc, in which nothing is available and
// every call answers ENOSYS. Which one is linked is the only difference of a -DSLUICE_PORTABLE=ON build.
// Requires  sockets O_NONBLOCK (SPLICE_F_NONBLOCK covers the pipe alone); SIGPIPE ignored (there is no
//           MSG_NOSIGNAL for these calls).
// Source    splice(2), sendfile(2).
#pragma once

#include <cstdint>

#include "os/io_result.h"
#include "os/pipe.h"

namespace sluice::os {

struct KernelPaths {
  bool splice;
  bool sendfile;
};
KernelPaths kernel_paths() noexcept;

// "sendfile+splice", "sendfile" or "none".
const char* kernel_paths_name() noexcept;

// Socket to pipe, at most `want` > 0 bytes; the caller fills only an empty pipe, so EAGAIN means that the
// socket is dry. bytes == 0: end of stream. Does not touch pipe.pending().
IoResult splice_in(int source, const Pipe& pipe, std::size_t want) noexcept;

// Pipe to socket. `more` promises that more follows at once: set on a last piece it would hold the tail
// for 200 ms. bytes == 0 and EAGAIN both mean that the sink is full.
IoResult splice_out(const Pipe& pipe, int sink, std::size_t want, bool more) noexcept;

// File range to socket; advances nothing but the returned count. bytes == 0: the file ends before `offset`.
// Blocks on cold pages: ask os::resident() first.
IoResult send_file(int sink, int file, std::uint64_t offset, std::size_t want) noexcept;

}  // namespace sluice::os
