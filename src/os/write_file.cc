#include "os/write_file.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "os/retry.h"

namespace sluice::os {

namespace {

int error_of(int result) noexcept { return result == 0 ? 0 : errno; }

FileOr open_with(const std::string& path, int flags) noexcept {
  const IoResult result =
      retry_eintr([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0640); });
  if (!result.ok()) return {.fd = UniqueFd(), .error = result.error};
  return {.fd = UniqueFd(static_cast<int>(result.bytes)), .error = 0};
}

}  // namespace

FileOr open_to_write(const std::string& path) noexcept { return open_with(path, O_RDWR | O_CREAT); }

IoResult write_at(int fd, std::string_view bytes, std::uint64_t offset) noexcept {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const std::string_view rest = bytes.substr(written);
    const IoResult result = retry_eintr(
        [&] { return ::pwrite(fd, rest.data(), rest.size(), static_cast<off_t>(offset + written)); });
    if (!result.ok()) return {.bytes = written, .error = result.error};
    written += result.bytes;
  }
  return {.bytes = written, .error = 0};
}

int resize(int fd, std::uint64_t size) noexcept {
  return retry_eintr([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }).error;
}

int sync_file(int fd) noexcept {
  return retry_eintr([&] { return ::fdatasync(fd); }).error;
}

int sync_directory(const std::string& path) noexcept {
  const FileOr directory = open_with(path, O_RDONLY | O_DIRECTORY);
  return directory.error != 0 ? directory.error : error_of(::fsync(directory.fd.get()));
}

int give_to(const std::string& path, const std::string& user) noexcept {
  std::array<char, 16384> text;
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  if (error != 0 || found == nullptr) return error != 0 ? error : ENOENT;
  return error_of(::chown(path.c_str(), entry.pw_uid, entry.pw_gid));
}

int let_all_read(int fd) noexcept { return error_of(::fchmod(fd, 0644)); }

int make_directory(const std::string& path) noexcept { return error_of(::mkdir(path.c_str(), 0755)); }

int rename_file(const std::string& from, const std::string& to) noexcept {
  return error_of(::rename(from.c_str(), to.c_str()));
}

int remove_file(const std::string& path) noexcept { return error_of(::unlink(path.c_str())); }

int remove_directory(const std::string& path) noexcept { return error_of(::rmdir(path.c_str())); }

}  // namespace sluice::os
