// The section of a kafka listener, and that of routes that show the same logs over HTTP.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/config.h"
#include "config/read_context.h"

namespace sluice::config {

// "kafka": "DIR", or "kafka": {"log": "DIR", ...}
Kafka read_kafka(const nlohmann::json& value, const std::string& place, const ReadContext& context);

// "log": "DIR", or "log": {"directory": "DIR", ...}
LogFiles read_log_files(const nlohmann::json& value, const std::string& place, const ReadContext& context);

}  // namespace sluice::config
