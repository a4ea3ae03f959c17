// What kind of file system a path stands on.
//
// Source   statfs(2); the magic numbers of linux/magic.h and of the file systems' own sources.
#pragma once

#include <string>

namespace sluice::os {

// Whether other machines may change what is below `path`, of which inotify(7) says nothing. False as well where that can't
// be told.
bool is_shared_file_system(const std::string& path) noexcept;

}  // namespace sluice::os
