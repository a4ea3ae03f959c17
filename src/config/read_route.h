// The sections of a route: how it matches, its handler, and what is done to what passes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/config.h"
#include "config/read_context.h"

namespace sluice::config {

Route read_route(const nlohmann::json& value, const std::string& place, const ReadContext& context);

// Also of a tcp or kafka listener. Null: all defaults.
Relay read_relay(const nlohmann::json* value, const std::string& place, const ReadContext& context);

}  // namespace sluice::config
