// The access log that a configuration asks for: a file, or a topic that consumers follow.
#pragma once

#include <memory>

#include "config/config.h"
#include "observe/access_log.h"

namespace sluice::app {

// Null: none is asked for. Throws std::runtime_error when it can't be opened.
std::shared_ptr<observe::AccessLog> open_access_log(const config::Config& config);

// Whether both write to the same place, so that the log that is open goes on.
bool same_place(const config::AccessLog& a, const config::AccessLog& b);

}  // namespace sluice::app
