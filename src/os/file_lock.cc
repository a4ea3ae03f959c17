#include "os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "os/retry.h"

namespace sluice::os {

namespace {

FileOr lock(const std::string& path, int flags, int operation) noexcept {
  const IoResult opened =
      retry_eintr([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640); });
  if (!opened.ok()) return {.fd = UniqueFd(), .error = opened.error};
  UniqueFd fd(static_cast<int>(opened.bytes));
  const IoResult locked = retry_eintr([&] { return ::flock(fd.get(), operation); });
  if (!locked.ok()) return {.fd = UniqueFd(), .error = locked.error};
  return {.fd = std::move(fd), .error = 0};
}

}  // namespace

FileOr lock_file(const std::string& path) noexcept { return lock(path, O_RDWR | O_CREAT, LOCK_EX | LOCK_NB); }

FileOr lock_directory(const std::string& path) noexcept {
  return lock(path, O_RDONLY | O_DIRECTORY, LOCK_EX);
}

bool is_record_locked(const std::string& path) noexcept {
  const FileOr file = open_file(path);
  struct flock wanted {};
  wanted.l_type = F_WRLCK;  // conflicts with locks of both kinds
  wanted.l_whence = SEEK_SET;
  return file.error == 0 && ::fcntl(file.fd.get(), F_GETLK, &wanted) == 0 && wanted.l_type != F_UNLCK;
}

}  // namespace sluice::os
