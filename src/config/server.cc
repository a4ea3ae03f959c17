#include "config/server.h"

#include <algorithm>
#include <charconv>

#include "config/mistakes.h"
#include "os/address.h"

namespace sluice::config {
namespace {

bool is_label_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// "1.2.3", "300.0.0.1": meant as an address. A resolver would read the first as 1.2.0.3.
bool looks_like_ipv4(std::string_view host) noexcept {
  return std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

bool is_host_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == '.') {
      if (label == 0) return false;
      label = 0;  // one dot may end the name: it is then absolute
    } else if (!is_label_char(host[i]) || ++label > 63) {
      return false;
    }
  }
  return true;
}

std::optional<Server> parse_server(std::string_view text, std::string& remedy) {
  const std::string quoted = in_quotes(text);
  const auto refuse = [&](const std::string& why) {
    remedy = quoted + " " + why;
    return std::nullopt;
  };
  if (text.starts_with("https://"))
    return refuse(R"(asks for TLS: write only "host:port", and "tls": true beside "servers")");
  if (text.find('/') != std::string_view::npos) return refuse("is a URL: write only \"host:port\"");
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (colon == std::string_view::npos || text.back() == ']') {
    return refuse("has no port: write \"" + std::string(text) + ":80\"");
  }
  if (!bracketed && std::count(text.begin(), text.end(), ':') > 1) {
    return refuse("is IPv6 without brackets: write \"[address]:port\"");
  }

  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  Server server;
  const auto [stop, error] = std::from_chars(digits.data(), end, server.port);
  if (error != std::errc() || stop != end || server.port == 0) {
    return refuse("has no port from 1 to 65535 after the colon");
  }
  if (host.empty()) return refuse("has no host: write \"127.0.0.1:" + std::string(digits) + "\"");
  if (bracketed || looks_like_ipv4(host)) {
    if (!os::Address::parse(text)) return refuse("is no valid IP address");
    if (bracketed) host = host.substr(1, host.size() - 2);
  } else if (!is_host_name(host)) {
    return refuse("is no valid host name: letters, digits, \"-\" and \".\" may stand in it");
  }
  server.host = host;
  return server;
}

std::string server_text(const Server& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace sluice::config
