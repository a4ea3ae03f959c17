// A configuration in a few lines, as `sluice check` shows it.
#pragma once

#include <string>

#include "config/config.h"

namespace sluice::app {

// Listeners, routes in the order of the file with what answers them, and upstreams. Ends in a newline.
std::string summary_of(const config::Config& config);

}  // namespace sluice::app
