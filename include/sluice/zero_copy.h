// The small zero-copy library of Sluice: file to socket, socket to socket, and the name of what this build
// uses.
//
// It stands on the same calls as the proxy's own relay and falls back as it does: where the kernel refuses
// splice or sendfile for a pair of descriptors, the same bytes are copied, from the byte where it stopped.
//
// Units      bytes.
// Ownership  descriptors are borrowed; a SocketRelay owns its pipe.
// Threads    any; one SocketRelay or one socket is used by one thread at a time.
// Errors     values: Progress::stop and errno in Progress::error. No exceptions, no signals if SIGPIPE is
// ignored
//            (splice and sendfile have no MSG_NOSIGNAL, so the program must do it).
// Blocking   blocking TCP sockets wait inside; non-blocking ones, and Unix sockets as a source, answer
// kSourceDry or
//            kSinkFull: poll, and call again.
// Source     splice(2), sendfile(2), pipe(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice {

// "sendfile+splice", "sendfile" or "none".
const char* backend_name() noexcept;

enum class Stop : std::uint8_t {
  kDone,       // as much as was asked for was delivered
  kEnd,        // the source ended first; all it gave was delivered
  kSourceDry,  // non-blocking source: nothing to read now
  kSinkFull,   // non-blocking sink: takes no more now
  kFailed,     // see error
};

struct [[nodiscard]] Progress {
  std::uint64_t bytes = 0;  // delivered to the sink by this call
  Stop stop = Stop::kDone;
  int error = 0;  // errno, for kFailed
};

// Sends `count` bytes of `file`, from `offset`; the file's own position does not move. kEnd: the file is
// shorter.
Progress send_file(int socket, int file, std::uint64_t offset, std::uint64_t count) noexcept;

// Moves bytes from one socket to another through a pipe of its own.
class SocketRelay {
 public:
  SocketRelay() noexcept;  // without a pipe (EMFILE) it copies
  ~SocketRelay();
  SocketRelay(SocketRelay&&) noexcept;
  SocketRelay& operator=(SocketRelay&&) noexcept;

  // At most `count` bytes. Bytes taken from the source and not yet accepted by the sink stay in the relay and
  // go first in the next call: after kSinkFull call with the same two sockets until it is over.
  Progress move(int from, int to, std::uint64_t count) noexcept;

  [[nodiscard]] std::size_t pending() const noexcept;  // taken and not delivered
  [[nodiscard]] std::uint64_t copied()
      const noexcept;  // of all delivered bytes, those that went through user memory

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
