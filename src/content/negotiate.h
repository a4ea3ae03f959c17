// Whether a response is compressed, how, and what its head says then. Pure.
//
// Two looks: at the request while it stands, for its bytes are gone when the response comes; then at the response's
// head. HEAD and 304 are judged like the GET they stand for, so that a cache sees one representation.
// Source    RFC 9110 sections 8.4, 8.8.3.3, 12.5.3 and 12.5.5; RFC 9111 section 5.2.2.6 (no-transform).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"
#include "http/head.h"
#include "http/rewrite.h"

namespace sluice::content {

// The content coding's registered name: "gzip", "br", "zstd". Static storage.
std::string_view name_of(config::Coding coding) noexcept;

// What one request asks for.
struct CodingWish {
  std::optional<config::Coding>
      coding;  // what the client likes best of what the route offers; empty: identity
  bool holds_strong_tag =
      false;  // If-None-Match names a strong tag: the client has a body that was not coded
};
CodingWish coding_wish(const http::RequestHead& head, const config::Compress& compress) noexcept;

struct CodingPlan {
  std::optional<config::Coding> coding;  // the body goes through an encoder; of HEAD: it would
  http::Recoding recoding;
};
// `length`: of the body that a GET would get, where it is known. Interim responses are none of its business.
CodingPlan plan_coding(const config::Compress& compress, const CodingWish& wish,
                       const http::ResponseHead& response, std::optional<std::uint64_t> length) noexcept;

// `type`: a Content-Type value, parameters and all. `patterns`: "text/html", "text/*", "*/*", "application/*+json";
// empty: the usual compressible ones.
bool is_compressible(std::string_view type, std::span<const std::string> patterns) noexcept;

}  // namespace sluice::content
