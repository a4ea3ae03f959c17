// Where a directory that was asked for without its slash is to be found.
#pragma once

#include <string>
#include <string_view>

namespace sluice::content {

// The target's own path, normalised and encoded anew, with a slash; then its query. Made from the target
// because a route may have stripped a prefix from the path. Always begins with exactly one "/": "//evil" or
// "/\evil" would lead to another host. Empty: the target has no path.
std::string directory_location(std::string_view target);

}  // namespace sluice::content
