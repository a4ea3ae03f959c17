// The access log that a configuration asks for: a file, or a topic that consumers follow.
#pragma once

#include <memory>

#include "config/config.h"
#include "observe/access_log.h"

namespace sluice::app {

// Null: none is asked for. Throws std::runtime_error when it can't be opened.
std::shared_ptr<observe::AccessLog> open_access_log(const config::Config& config);

// Whether the log that is open goes on when another configuration is taken: nothing of it has changed, or it is the same
// topic, which has one writer at a time; a change of its `retain` or `queue` takes a restart.
bool goes_on(const config::AccessLog& open, const config::AccessLog& wanted);

}  // namespace sluice::app
