#include "http/target.h"

#include "http/chars.h"
#include "http/fields.h"

namespace sluice::http {
namespace {

// 1*4HEXDIG
bool is_ipv6_group(std::string_view text) noexcept {
  if (text.empty() || text.size() > 4) return false;
  for (const char c : text)
    if (!is(c, CharClass::kHexDigit)) return false;
  return true;
}

bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    const std::string_view octet = text.substr(0, dot);
    if (octet.size() > 1 && octet.front() == '0') return false;  // "010" is 8 to some and 10 to others
    if (!parse_digits(octet, 255)) return false;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

// RFC 3986 section 3.2.2: eight groups, one run of zeros left out, the last two perhaps as IPv4. No zone.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      groups += 2;
      if (!is_ipv4(group)) return false;
      break;
    }
    ++groups;
    if (!is_ipv6_group(group)) return false;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

bool is_reg_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], CharClass::kRegName)) continue;
    if (text[i] != '%' || text.size() - i < 3) return false;
    if (!is(text[i + 1], CharClass::kHexDigit) || !is(text[i + 2], CharClass::kHexDigit)) return false;
    i += 2;
  }
  return !text.empty();
}

// Appends one decoded segment. An escaped slash is kept escaped: as data it must not become a separator.
bool append_decoded(std::string_view segment, std::string& out) {
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out.push_back(segment[i]);
      continue;
    }
    if (segment.size() - i < 3) return false;
    if (!is(segment[i + 1], CharClass::kHexDigit) || !is(segment[i + 2], CharClass::kHexDigit)) return false;
    const char c = static_cast<char>(hex_value(segment[i + 1]) * 16 + hex_value(segment[i + 2]));
    if (c == '\0') return false;  // would end the name early in every C interface below
    if (c == '/') {
      out.append("%2F");
    } else {
      out.push_back(c);
    }
    i += 2;
  }
  return true;
}

}  // namespace

Target split_target(std::string_view target) noexcept {
  if (target == "*" || target.starts_with('/')) return {.path_and_query = target, .valid = true};
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view scheme = target.substr(0, scheme_end);
  const bool https = equals_ignoring_case(scheme, "https");
  if (!https && !equals_ignoring_case(scheme, "http")) return {};
  target.remove_prefix(scheme_end + 3);
  const std::size_t end = target.find_first_of("/?#");
  const std::string_view authority = target.substr(0, end);
  if (!is_valid_authority(authority)) return {};
  if (end != std::string_view::npos && target[end] == '#') return {};
  const std::string_view path = end == std::string_view::npos ? "/" : target.substr(end);
  return {.authority = authority, .path_and_query = path, .https = https, .valid = true};
}

bool is_valid_authority(std::string_view authority) noexcept {
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6(authority.substr(1, close - 1))) return false;
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    if (!is_reg_name(authority.substr(0, colon))) return false;
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (port.empty()) return true;
  if (port.front() != ':') return false;
  port.remove_prefix(1);
  return port.empty() || parse_digits(port, 65535);  // "host:" is legal: the default port
}

std::string https_location(std::string_view authority, std::string_view path_and_query, std::uint16_t port) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');  // IPv6 has colons of its own
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket))
    authority = authority.substr(0, colon);
  std::string location = "https://";
  location += authority;
  if (port != 443) location += ":" + std::to_string(port);
  if (!path_and_query.starts_with('/')) location += '/';
  location += path_and_query;
  return location;
}

bool normalise_path(std::string_view path_and_query, std::string& out) {
  std::string_view path = path_and_query.substr(0, path_and_query.find('?'));
  out.assign("/");
  if (path.empty()) return true;  // "?x", from "http://host?x"
  if (path == "*") {
    out.assign(path);
    return true;
  }
  if (path.front() != '/') return false;
  path.remove_prefix(1);
  // Invariant: `out` ends with '/' before each segment. Dots are judged decoded, for "%2e%2e" climbs as well
  // as
  // ".." does.
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::size_t start = out.size();
    if (!append_decoded(path.substr(0, slash), out)) return false;
    const std::string_view segment = std::string_view(out).substr(start);
    if (segment == "..") {
      // Up to the slash before the one that ends the parent; the root is its own parent.
      out.resize(start > 1 ? out.rfind('/', start - 2) + 1 : 1);
    } else if (segment == ".") {
      out.resize(start);
    } else if (!segment.empty() && slash != std::string_view::npos) {
      out.push_back('/');
    }
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace sluice::http
