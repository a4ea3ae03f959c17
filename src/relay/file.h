// An open file that is being sent, and what is known of its pages.
//
// Shared by the open-file cache, the responses that send it and the jobs that warm it: whoever is last closes
// it.
#pragma once

#include <cstdint>
#include <vector>

#include "os/clock.h"
#include "os/unique_fd.h"

namespace sluice::relay {

class File {
 public:
  File(os::UniqueFd fd, std::uint64_t size) noexcept : fd_(std::move(fd)), size_(size) {}
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // bytes, when it was opened

  // Residency is remembered by windows for a short while, so that a hot file is not probed again and again.
  // Loop thread of the worker that opened it.
  static constexpr std::uint64_t kWindow = 512 * 1024;
  [[nodiscard]] bool known_resident(std::uint64_t offset, os::Time now) const noexcept;
  void remember_resident(std::uint64_t offset, os::Time now) noexcept;

 private:
  os::UniqueFd fd_;
  std::uint64_t size_;
  std::vector<std::uint32_t>
      resident_until_;  // seconds of the monotonic clock, by window; empty until needed
};

}  // namespace sluice::relay
