// The heads Sluice sends: a forwarded request, a forwarded response, an answer of its own. Framing is always
// written anew from the facts, never copied.
//
// Output   into a fixed span; ok() turns false when it does not fit, and nothing past the end is written.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "http/message.h"

namespace sluice::http {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> into) noexcept
      : begin_(into.data()), at_(begin_), end_(begin_ + into.size()) {}
  void put(std::string_view text) noexcept {
    if (text.empty()) return;  // it may have no address, and memcpy wants one
    if (text.size() > static_cast<std::size_t>(end_ - at_)) {
      ok_ = false;
      return;
    }
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put_number(std::uint64_t value) noexcept;
  // "name: value\r\n"
  void field(std::string_view name, std::string_view value) noexcept;
  void field(std::string_view name, std::uint64_t value) noexcept;
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {begin_, static_cast<std::size_t>(at_ - begin_)};
  }

 private:
  char *begin_, *at_, *end_;
  bool ok_ = true;
};

enum class ForwardedStyle : std::uint8_t { kOff, kX, kRfc7239, kBoth };

struct UpstreamRequest {
  std::string_view target = {};  // for the request line: origin-form or "*"; "?x" gets its "/" here
  std::string_view host = {};    // what to write as Host
  ForwardedStyle forwarded = ForwardedStyle::kX;
  bool trust_client = false;          // append to the client's forwarding fields instead of replacing them;
                                      // those of a style that is not written pass as they are
  std::string_view client_ip = {};    // "127.0.0.1", "::1"
  std::string_view client_host = {};  // the Host the client sent
  std::string_view scheme = "http";   // how the client reached us
  bool http2 = false;                 // ... and in which version, for Via
  // What the client has proved by a certificate: the value of Client-Cert (RFC 9440), the subject. Empty: nothing.
  std::string_view client_certificate = {}, client_subject = {};
  bool client_verified = false;
};

// The request as it goes upstream, always HTTP/1.1: hop-by-hop fields removed, Host first, framing from
// `facts`, Upgrade and its Connection only when facts.wants_upgrade, "TE: trailers" kept, Max-Forwards
// decremented, forwarding fields, Via appended (RFC 9110 section 7.6.3). What a client says itself about its
// certificate never passes (RFC 9440 section 4). Ends with the empty line.
void write_upstream_request(HeadWriter& out, const RequestHead& head, const RequestFacts& facts,
                            const UpstreamRequest& options) noexcept;

// What compression makes of a response's fields.
struct Recoding {
  std::string_view coding = {};  // the Content-Encoding to write; empty: the body goes as it is
  bool weak_tag = false;         // the ETag no longer names these very bytes: RFC 9110 section 8.8.3.3
  bool vary = false;             // another Accept-Encoding might have got another body: section 12.5.5
};

struct ClientResponse {
  Framing framing = Framing::kNone;  // how the body goes to this client
  std::uint64_t length = 0;          // written when framing is kLength, or has_length (HEAD, 304)
  bool has_length = false;
  bool keep_alive = true;  // what we will do with the client connection
  bool http10_client = false;
  std::string_view websocket_accept = {};  // with `upgrade`: what a server of HTTP/2 did not have to say
  bool upgrade = false;                    // a 101 to pass on with Connection: upgrade and its Upgrade field
  std::string_view date = {};              // used when the response has none; 29 bytes
  std::string_view server_timing = {};     // a Server-Timing value to add; empty for none
  std::chrono::seconds hsts{0};  // Strict-Transport-Security instead of the response's own; 0: leave that
  Recoding recoding = {};        // of a final response
};

// The response as it goes to the client, HTTP/1.1: hop-by-hop fields removed, framing and Connection anew.
// Interim responses (1xx) are written with their fields and no framing. Ends with the empty line.
void write_client_response(HeadWriter& out, const ResponseHead& head, const ClientResponse& options) noexcept;

// "HTTP/1.1 404 Not Found\r\nServer: sluice\r\nDate: ...\r\n" then framing and Connection from `options`. The
// caller adds its own fields and the empty line.
void begin_own_response(HeadWriter& out, int status, const ClientResponse& options) noexcept;

// The fields of an answer of our own, or what recoding makes of them. A coded body has no ranges, and digests of what
// it was before say nothing: Accept-Ranges and the digest fields are left out.
void write_recoded_fields(HeadWriter& out, const ResponseHead& head, const Recoding& recoding) noexcept;

// A trailer section as received ("a: b\r\nc: d\r\n", no empty line), checked by the rules for fields and
// stripped of what may not stand in trailers (framing, routing, hop-by-hop; RFC 9110 section 6.5.1). Appends
// to `out` what remains. false: malformed.
bool filter_trailers(std::string_view raw, std::string& out);
// ... of a body that was compressed on the way: without digests and ETag, too.
bool filter_recoded_trailers(std::string_view raw, std::string& out);

}  // namespace sluice::http
