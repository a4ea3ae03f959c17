// "host:port" of a server we connect to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sluice::config {

// "127.0.0.1:80", "[::1]:80" (kept without the brackets), "origin.example:80". nullopt: `remedy` says what to
// write.
std::optional<Server> parse_server(std::string_view text, std::string& remedy);

// The other way; IPv6 gets its brackets back.
std::string server_text(const Server& server);

// Letters, digits, "-", "_" and dots between labels, at most 253 characters. RFC 1123 section 2.1, and the
// underscore that container networks hand out.
bool is_host_name(std::string_view host) noexcept;

}  // namespace sluice::config
