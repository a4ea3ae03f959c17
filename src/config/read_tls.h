// The sections about TLS: of a listener, of its certificates, of an upstream.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/read_context.h"

namespace sluice::config {

ListenerTls read_listener_tls(const nlohmann::json& value, const std::string& place,
                              const ReadContext& context);

// "tls": true or an object; false: none.
std::optional<UpstreamTls> read_upstream_tls(const nlohmann::json& value, const std::string& place,
                                             const ReadContext& context);

}  // namespace sluice::config
