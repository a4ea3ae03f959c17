// An open file that is being sent, and what is known of its pages.
//
// Shared by the open-file cache, the responses that send it and the jobs that warm it: whoever is last closes
// it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "os/clock.h"
#include "os/mapped_file.h"
#include "os/unique_fd.h"

namespace sluice::relay {

class File {
 public:
  File(os::UniqueFd fd, std::uint64_t size) noexcept : fd_(std::move(fd)), size_(size) {}
  ~File() { unmap(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // bytes, when it was opened

  // Residency is remembered by windows for a short while, so that a hot file is not probed again and again.
  // Loop thread of the worker that opened it.
  static constexpr std::uint64_t kWindow = 512 * 1024;
  [[nodiscard]] bool known_resident(std::uint64_t offset, os::Time now) const noexcept;
  void remember_resident(std::uint64_t offset, os::Time now) noexcept;

  // The file's memory from `offset` on, at most `most` bytes: until the next call, and for the kernel to read, not for us
  // (see os/bus_guard.h). Empty: it can't be mapped, or too much is.
  // One part of each file is mapped at a time, kMapped bytes, for which the kernel needs one page of tables; a larger file
  // moves it along. Same thread.
  static constexpr std::uint64_t kMapped = 2 * 1024 * 1024;
  [[nodiscard]] std::string_view map(std::uint64_t offset, std::size_t most) noexcept;

 private:
  void unmap() noexcept;

  os::UniqueFd fd_;
  std::uint64_t size_;
  std::vector<std::uint32_t>
      resident_until_;  // seconds of the monotonic clock, by window; empty until needed
  os::MappedFile mapped_;
  std::uint64_t mapped_at_ = 0;
};

}  // namespace sluice::relay
