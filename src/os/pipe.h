// Staging area of a splice relay.
//
// Invariant  pending() bytes sit in the pipe and belong to one body. The pool takes back only empty pipes:
//            leftovers would reach another client.
// Units      bytes; but a pipe has slots, not bytes, so free space can't be computed from capacity - pending:
//            small segments fill it early, GRO frames overfill it. Source: pipe(7), splice(2).
#pragma once

#include <cassert>
#include <cstddef>
#include <span>

#include "os/io_result.h"
#include "os/unique_fd.h"

namespace sluice::os {

class Pipe {
 public:
  Pipe() noexcept = default;

  // `wanted` is a request (F_SETPIPE_SZ); capacity() says what the kernel granted.
  // A pipe that is not valid(): errno in `error` (EMFILE, ENFILE).
  static Pipe open(std::size_t wanted, int& error) noexcept;

  [[nodiscard]] bool valid() const noexcept { return read_.valid(); }
  [[nodiscard]] int read_fd() const noexcept { return read_.get(); }
  [[nodiscard]] int write_fd() const noexcept { return write_.get(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
  void added(std::size_t n) noexcept { pending_ += n; }
  void removed(std::size_t n) noexcept {
    assert(n <= pending_);
    pending_ -= n;
  }

  // Takes bytes back into user memory: the way out when the sink turns out not to be spliceable.
  IoResult drain(std::span<char> into) noexcept;

 private:
  UniqueFd read_, write_;
  std::size_t capacity_ = 0;
  std::size_t pending_ = 0;
};

}  // namespace sluice::os
