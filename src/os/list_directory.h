// What stands in a directory.
//
// Source   opendir(3), readdir(3).
#pragma once

#include <string>
#include <vector>

namespace sluice::os {

// Appends the names in `path` (links followed) to `names`, without "." and "..", in no order. What comes or goes
// meanwhile may be missing or not. 0, or errno: ENOENT, ENOTDIR, EACCES, EMFILE; `names` is then incomplete. Blocks.
int list_directory(const std::string& path, std::vector<std::string>& names);

}  // namespace sluice::os
