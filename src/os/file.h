// Files: safe lookup below a root, reading at an offset, and asking whether reading would block.
//
// Source   openat2(2), pread(2), preadv2(2).
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>

#include "os/io_result.h"
#include "os/unique_fd.h"

namespace sluice::os {

struct FileOr {  // a file, or errno
  UniqueFd fd;
  int error = 0;
};

// A file named by the operator, for reading; blocks. For configuration time and the main thread.
FileOr open_file(const std::string& path) noexcept;

// What `path` names now, following links; false with errno in `error` when that can't be told. Likewise.
bool status_of(const std::string& path, struct stat& out, int& error) noexcept;

// A directory to look up files below. Blocks; for configuration time.
FileOr open_directory(const std::string& path) noexcept;

enum class Lookup : bool {
  kCachedOnly,  // EAGAIN when the answer is not in the kernel's name cache: ask again off the loop
  kMayBlock,
};

// Opens `relative` for reading below `root`. "..", absolute links and links that lead outside are refused by
// the kernel (RESOLVE_BENEATH, error EXDEV), so there is no race to win. Opens without waiting for a FIFO's
// writer.
FileOr open_beneath(int root, const char* relative, Lookup lookup) noexcept;

// fstat; false with errno in `error` when it fails.
bool file_status(int fd, struct stat& out, int& error) noexcept;

// What `relative` names now (following links inside the root), without opening it for reading.
bool status_beneath(int root, const char* relative, Lookup lookup, struct stat& out, int& error) noexcept;

// Blocks on cold pages: off the loop only. bytes == 0: end of file.
IoResult read_at(int fd, std::span<char> into, std::uint64_t offset) noexcept;

// Never waits for a disk: EAGAIN when the first page is cold, EOPNOTSUPP where the file system can't tell.
// A short count is a boundary of residency or of the file, not its end; 0 is the end.
IoResult read_resident(int fd, std::span<char> into, std::uint64_t offset) noexcept;

}  // namespace sluice::os
