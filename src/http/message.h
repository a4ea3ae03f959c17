// What a head means for its connection: how the body is framed, whether the connection persists, what is
// asked. Pure functions of a parsed head.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/head.h"
#include "http/verdict.h"

namespace sluice::http {

// How the length of a body is known. RFC 9112 section 6.3.
enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

struct RequestFacts {
  Verdict verdict = Verdict::kOk;
  Framing framing = Framing::kNone;
  std::uint64_t length = 0;  // kLength: bytes
  bool keep_alive = true;    // what the client wants (RFC 9112 section 9.3)
  bool http10 = false;
  bool expects_continue = false;
  bool wants_upgrade = false;     // Connection: upgrade with an Upgrade field, HTTP/1.1, not h2c, no body
  bool accepts_trailers = false;  // TE: trailers
  std::string_view host;  // from an absolute-form target, else from Host; with port; "" for HTTP/1.0 without
  std::string_view path_and_query;  // origin form of the target: what goes upstream; "*" for OPTIONS *
  bool https = false;               // an absolute-form target says so
  int max_forwards = -1;            // OPTIONS and TRACE only; -1: absent
};

// Refuses (verdict): Host missing, repeated or malformed; Content-Length malformed, repeated, a list or with
// Transfer-Encoding; Transfer-Encoding not exactly one "chunked", or in HTTP/1.0; Expect other than
// 100-continue; CONNECT and TRACE (kMethodNotAllowed); a target that is none of origin-form, absolute-form
// (http, https) or, for OPTIONS, "*".
RequestFacts request_facts(const RequestHead& head) noexcept;

struct ResponseFacts {
  Verdict verdict = Verdict::kOk;
  Framing framing = Framing::kNone;  // kNone also for HEAD, 1xx, 204, 304 whatever the fields say
  std::uint64_t length = 0;
  bool has_length = false;  // a Content-Length stands in the head (HEAD and 304 pass it on)
  bool keep_alive = true;   // the upstream connection may be used again after this response
  bool interim = false;     // 1xx other than 101
  bool has_date = false;
};

ResponseFacts response_facts(const ResponseHead& head, Method request_method) noexcept;

// Calls `each(token)` for every element of a comma-separated list, without white space; empty elements are
// skipped (RFC 9110 section 5.6.1). Stops when `each` returns false; returns whether it ran to the end.
template <typename Each>
bool for_each_token(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view token = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!token.empty() && (token.front() == ' ' || token.front() == '\t')) token.remove_prefix(1);
    while (!token.empty() && (token.back() == ' ' || token.back() == '\t')) token.remove_suffix(1);
    if (!token.empty() && !each(token)) return false;
  }
  return true;
}

// A comma-separated list has this element; ASCII case is ignored.
bool has_token(std::string_view list, std::string_view token) noexcept;

// True when `field` must not be forwarded: one of the hop-by-hop fields, or named by a Connection field of
// the same head (RFC 9110 section 7.6.1). A Connection option can't take away a field that guards framing or
// routing: Host, Content-Length and the forwarding fields are never considered listed.
bool is_hop_by_hop(const Head& head, const Field& field) noexcept;

}  // namespace sluice::http
