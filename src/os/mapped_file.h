// A part of a file as memory, shared with whoever writes it. Read-only, move-only, unmapped when destroyed.
//
// May be longer than the file: pages become readable as the file grows. Reading where the file does not reach raises SIGBUS:
// see os/bus_guard.h.
// Thread    any reads; one owns.
// Errors    map() says errno. Source: mmap(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sluice::os {

class MappedFile {
 public:
  MappedFile() noexcept = default;
  // `size` > 0 bytes from `offset` on, which is a multiple of the page size. `fd` may be closed afterwards. On failure
  // nothing is mapped.
  static MappedFile map(int fd, std::size_t size, int& error, std::uint64_t offset = 0) noexcept;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  [[nodiscard]] bool mapped() const noexcept { return !bytes_.empty(); }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) noexcept : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace sluice::os
