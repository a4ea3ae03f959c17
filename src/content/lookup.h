// One look-up of a name below a root: opened, judged and described. Blocks or not, as asked; keeps nothing.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "content/open_files.h"
#include "os/file.h"

namespace sluice::content {

// What tells two states of a name apart.
struct Identity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_s = 0, modified_ns = 0;
  bool operator==(const Identity&) const = default;
};
Identity identity_of(const struct stat& status) noexcept;

struct Opened {
  FindResult result{.found = Found::kFailed, .file = nullptr, .error = ENOMEM};
  Identity identity;  // kFile
};

// kPending, only with Lookup::kCachedOnly: the answer has to be fetched from a disk (error EAGAIN), or the
// kernel knows no such look-up (another error). Any thread.
Opened look_up(const os::UniqueFd& root, const std::string& path, os::Lookup lookup);

// Which answer an errno from opening or asking is: a missing file, a forbidden one, or a failure of ours.
Found found_of(int error, os::Lookup lookup) noexcept;

}  // namespace sluice::content
