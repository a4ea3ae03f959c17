// Where the consumer groups of a log are kept when the configuration does not say.
//
// Never in the log's own directory: that is served as it is, and only read.
#pragma once

#include <string>

#include "os/state.h"

namespace sluice::app {

// A file for the groups of `log`'s consumers, the same one at each start, in a directory that is made for `user` ("": who
// runs this process). "": there is none to be had, which is told in the error log; the groups then live in memory.
// Call it before the process becomes `user`.
std::string groups_file(const std::string& log, const std::string& user,
                        const os::StateHints& hints = os::StateHints::of_this_process());

}  // namespace sluice::app
