// Request targets and paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http {

struct Target {
  std::string_view authority = {};       // absolute-form only: "host:port"
  std::string_view path_and_query = {};  // "/a?b"; "*" for asterisk-form; never empty
  bool https = false;                    // absolute-form only: the scheme it names
  bool valid = false;
};

// origin-form, absolute-form with http or https (userinfo refused), asterisk-form. RFC 9112 section 3.2.
// "http://host" has path "/". "http://host?x" is given back as "?x": the caller writes the "/".
Target split_target(std::string_view target) noexcept;

// host [":" port] by RFC 3986: reg-name, IPv4 or bracketed IPv6; no userinfo, no empty host.
bool is_valid_authority(std::string_view authority) noexcept;

// Where the same is found by https: `authority` with its port replaced by `port` (443 is not written), then the path and
// query of split_target().
std::string https_location(std::string_view authority, std::string_view path_and_query, std::uint16_t port);

// The path (without query) decoded and normalised for routing and file look-up: percent-decoding, "." and
// ".." removed (never above the root), duplicate slashes kept as one. An escaped slash stays "%2F": it is
// data and never becomes a separator. false: a malformed escape or an escaped NUL. Reuses out's memory.
bool normalise_path(std::string_view path_and_query, std::string& out);

}  // namespace sluice::http
