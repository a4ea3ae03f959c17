// Files that are written at places of our choosing, cut, made durable and taken away: a log's segments.
//
// Errors   errno, 0 for success. Everything here may wait for a disk: never on a loop's thread.
// Source   open(2), pwrite(2), ftruncate(2), fdatasync(2), rename(2), unlink(2), mkdir(2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "os/file.h"

namespace sluice::os {

// For reading and writing; made when missing (0640).
FileOr open_to_write(const std::string& path) noexcept;

// All of `bytes`, after short counts too. `bytes` of the result is what was written, also when it failed half-way.
IoResult write_at(int fd, std::string_view bytes, std::uint64_t offset) noexcept;

// The file ends at `size` from now on. Works on a full disk when that makes it shorter.
int resize(int fd, std::uint64_t size) noexcept;

// Content and size of a file have reached the disk.
int sync_file(int fd) noexcept;
// The names in a directory have.
int sync_directory(const std::string& path) noexcept;

// `path` belongs to `user` from now on, and to its group. Needs root, but for a user that it belongs to already.
// Source   chown(2), getpwnam(3); ENOENT: no such user.
int give_to(const std::string& path, const std::string& user) noexcept;

// Whoever gets at the file may read it (0644). fchmod(2).
int let_all_read(int fd) noexcept;

int make_directory(const std::string& path) noexcept;  // 0755; EEXIST is told like any error
int rename_file(const std::string& from, const std::string& to) noexcept;
int remove_file(const std::string& path) noexcept;
int remove_directory(const std::string& path) noexcept;  // an empty one

}  // namespace sluice::os
