// A file that lines are appended to: the access log's.
//
// Source   open(2), write(2).
#pragma once

#include <string>
#include <string_view>

#include "os/file.h"

namespace sluice::os {

// Made when missing (0640). O_APPEND: writers of several processes don't overwrite each other.
FileOr open_append(const std::string& path) noexcept;

// Standard output under a number of its own.
FileOr duplicate_stdout() noexcept;

// Goes on after short counts. `bytes` is what was written, also when it failed half-way. May block.
IoResult write_all(int fd, std::string_view text) noexcept;

}  // namespace sluice::os
