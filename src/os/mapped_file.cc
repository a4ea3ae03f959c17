#include "os/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>

namespace sluice::os {

MappedFile MappedFile::map(int fd, std::size_t size, int& error, std::uint64_t offset) noexcept {
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) {
    error = errno;
    return {};
  }
  error = 0;
  return MappedFile({static_cast<const char*>(at), size});
}

MappedFile::~MappedFile() {
  if (mapped()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace sluice::os
