// Owns one descriptor. Move-only; -1 means "owns nothing".
#pragma once

#include <utility>

namespace sluice::os {

void close_fd(int fd) noexcept;  // in unique_fd.cc, so that a test can count what is open

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ != -1; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Never retried: Linux frees the number even when close() reports EINTR, and a second call could close
  // what another thread has just opened. Source: close(2), "Dealing with error returns".
  void reset(int fd = -1) noexcept {
    if (const int old = std::exchange(fd_, fd); old != -1) close_fd(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace sluice::os
