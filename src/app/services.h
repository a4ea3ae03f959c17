// The log directories and group coordinators that a configuration names, opened; those already open go on.
//
// Blocks while directories are scanned: main thread.
// Errors   throws std::runtime_error when a directory or a file of groups can't be opened.
#pragma once

#include <memory>

#include "config/config.h"
#include "serve/snapshot.h"

namespace sluice::app {

std::shared_ptr<const serve::Services> open_services(const config::Config& config,
                                                     const serve::Services* previous);

}  // namespace sluice::app
