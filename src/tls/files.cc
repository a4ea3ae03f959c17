#include "tls/files.h"

#include <system_error>

#include "os/file.h"

namespace sluice::tls {

namespace {

constexpr std::uint64_t kMost = std::uint64_t{16}
                                << 20;  // a large bundle of authorities has a quarter of a megabyte

[[noreturn]] void fail(const std::string& file, int error) {
  throw TlsError(file + ": " + std::generic_category().message(error));
}

Stamp stamp_of(const struct stat& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .changed_s = status.st_mtim.tv_sec,
          .changed_ns = status.st_mtim.tv_nsec};
}

}  // namespace

Stamp stamp_of(const std::string& file) {
  struct stat status;
  int error = 0;
  if (!os::status_of(file, status, error)) fail(file, error);
  return stamp_of(status);
}

std::string read_file(const std::string& file, Stamp& stamp) {
  const os::FileOr opened = os::open_file(file);
  if (opened.error != 0) fail(file, opened.error);
  struct stat status;
  int error = 0;
  if (!os::file_status(opened.fd.get(), status, error)) fail(file, error);
  if (!S_ISREG(status.st_mode)) throw TlsError(file + ": is no file");
  stamp = stamp_of(status);
  if (stamp.size > kMost) throw TlsError(file + ": is larger than any certificate");
  std::string text(stamp.size, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const os::IoResult got = os::read_at(opened.fd.get(), std::span(text).subspan(filled), filled);
    if (!got.ok()) fail(file, got.error);
    if (got.bytes == 0) break;
    filled += got.bytes;
  }
  text.resize(filled);
  return text;
}

}  // namespace sluice::tls
