#include "os/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/retry.h"

namespace sluice::os {

namespace {

FileOr openat2_beneath(int root, const char* relative, std::uint64_t flags, Lookup lookup) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (lookup == Lookup::kCachedOnly) how.resolve |= RESOLVE_CACHED;
  // glibc has no wrapper for it yet.
  const IoResult result =
      retry_eintr([&] { return ::syscall(SYS_openat2, root, relative, &how, sizeof how); });
  if (!result.ok()) return {.fd = UniqueFd(), .error = result.error};
  return {.fd = UniqueFd(static_cast<int>(result.bytes)), .error = 0};
}

}  // namespace

FileOr open_file(const std::string& path) noexcept {
  // A FIFO put in its place must not hold the caller.
  const IoResult result =
      retry_eintr([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); });
  if (!result.ok()) return {.fd = UniqueFd(), .error = result.error};
  return {.fd = UniqueFd(static_cast<int>(result.bytes)), .error = 0};
}

bool status_of(const std::string& path, struct stat& out, int& error) noexcept {
  if (::stat(path.c_str(), &out) == 0) return true;
  error = errno;
  return false;
}

FileOr open_directory(const std::string& path) noexcept {
  const IoResult result = retry_eintr([&] { return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  if (!result.ok()) return {.fd = UniqueFd(), .error = result.error};
  return {.fd = UniqueFd(static_cast<int>(result.bytes)), .error = 0};
}

FileOr open_beneath(int root, const char* relative, Lookup lookup) noexcept {
  return openat2_beneath(root, relative, O_RDONLY | O_NONBLOCK | O_NOCTTY, lookup);
}

bool file_status(int fd, struct stat& out, int& error) noexcept {
  if (::fstat(fd, &out) == 0) return true;
  error = errno;
  return false;
}

bool status_beneath(int root, const char* relative, Lookup lookup, struct stat& out, int& error) noexcept {
  const FileOr file = openat2_beneath(root, relative, O_PATH, lookup);
  error = file.error;
  return file.error == 0 && file_status(file.fd.get(), out, error);
}

IoResult read_at(int fd, std::span<char> into, std::uint64_t offset) noexcept {
  return retry_eintr([&] { return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)); });
}

IoResult read_resident(int fd, std::span<char> into, std::uint64_t offset) noexcept {
  const iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  return retry_eintr([&] { return ::preadv2(fd, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT); });
}

}  // namespace sluice::os
