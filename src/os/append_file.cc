#include "os/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/retry.h"

namespace sluice::os {

namespace {

FileOr file_or(const IoResult& result) noexcept {
  if (!result.ok()) return {.fd = UniqueFd(), .error = result.error};
  return {.fd = UniqueFd(static_cast<int>(result.bytes)), .error = 0};
}

}  // namespace

FileOr open_append(const std::string& path) noexcept {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
  return file_or(retry_eintr([&] { return ::open(path.c_str(), kFlags, 0640); }));
}

FileOr duplicate_stdout() noexcept {
  return file_or(retry_eintr([] { return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3); }));
}

IoResult write_all(int fd, std::string_view text) noexcept {
  std::size_t written = 0;
  while (written < text.size()) {
    const std::string_view rest = text.substr(written);
    const IoResult result = retry_eintr([&] { return ::write(fd, rest.data(), rest.size()); });
    if (!result.ok()) return {.bytes = written, .error = result.error};
    written += result.bytes;
  }
  return {.bytes = written, .error = 0};
}

}  // namespace sluice::os
