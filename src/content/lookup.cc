#include "content/lookup.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "content/static_files.h"
#include "http/date.h"

namespace sluice::content {

namespace {

void append_hex(std::string& out, std::uint64_t value) {
  std::array<char, 16> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr);
}

// From the modification time, in nanoseconds, and the size. Strong: a file that is replaced by renaming
// another onto its name, the only safe way to change one that is being sent, gets another.
std::string etag_of(const Identity& identity) {
  std::string out = "\"";
  append_hex(out, static_cast<std::uint64_t>(identity.modified_s) * 1'000'000'000 +
                      static_cast<std::uint64_t>(identity.modified_ns));
  out.push_back('-');
  append_hex(out, identity.size);
  out.push_back('"');
  return out;
}

std::shared_ptr<const OpenFile> describe(os::UniqueFd fd, const Identity& identity, const std::string& path) {
  auto out = std::make_shared<OpenFile>();
  out->file = std::make_shared<relay::File>(std::move(fd), identity.size);
  out->etag = etag_of(identity);
  // A time in the future may not be announced. RFC 9110 section 8.8.2.1.
  out->modified =
      std::min<std::time_t>(identity.modified_s, std::chrono::system_clock::to_time_t(os::wall_now()));
  out->last_modified.resize(http::kDateSize);
  http::write_date(out->last_modified.data(), out->modified);
  out->content_type = content_type_of(path);
  return out;
}

}  // namespace

Identity identity_of(const struct stat& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_s = status.st_mtim.tv_sec,
          .modified_ns = status.st_mtim.tv_nsec};
}

Found found_of(int error, os::Lookup lookup) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return Found::kMissing;
    case EXDEV:  // ".." or a link leads out of the root
    case ELOOP:
    case EACCES:
    case EPERM:
    case ENXIO:  // a socket, or a device that nobody drives
    case ENODEV:
      return Found::kForbidden;
    case EAGAIN:
    case EINVAL:  // openat2 knows no RESOLVE_CACHED: before Linux 5.12
    case ENOSYS:
      return lookup == os::Lookup::kCachedOnly ? Found::kPending : Found::kFailed;
    default:
      return Found::kFailed;
  }
}

Opened look_up(const os::UniqueFd& root, const std::string& path, os::Lookup lookup) {
  Opened out;
  os::FileOr file = os::open_beneath(root.get(), path.empty() ? "." : path.c_str(), lookup);
  struct stat status;
  int error = file.error;
  if (error != 0 || !os::file_status(file.fd.get(), status, error)) {
    out.result = {.found = found_of(error, lookup), .file = nullptr, .error = error};
  } else if (S_ISDIR(status.st_mode)) {
    out.result = {.found = Found::kDirectory, .file = nullptr, .error = 0};
  } else if (!S_ISREG(status.st_mode)) {  // a FIFO or a device has no length, and reading it has effects
    out.result = {.found = Found::kForbidden, .file = nullptr, .error = 0};
  } else {
    out.identity = identity_of(status);
    out.result = {
        .found = Found::kFile, .file = describe(std::move(file.fd), out.identity, path), .error = 0};
  }
  return out;
}

}  // namespace sluice::content
