#include "http/rewrite.h"

#include <charconv>
#include <optional>

#include "http/chars.h"
#include "http/status.h"

namespace sluice::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// A field as it came. Its line goes out in one piece when it already looks like "name: value\r\n".
void copy_field(HeadWriter& out, const Head& head, const Field& field) noexcept {
  const std::string_view name = head.name(field), value = head.value(field);
  const auto gap = static_cast<std::size_t>(field.value.at - field.name.at - field.name.size);
  // The bytes behind the value belong to the head: at least the CRLF of its line.
  const std::string_view line(name.data(), name.size() + gap + value.size() + kLineEnd.size());
  if (gap == 2 && line[name.size() + 1] == ' ' && line.ends_with(kLineEnd)) {
    out.put(line);
  } else {
    out.field(name, value);
  }
}

// For fields that are lists: "Name: " before the first element, ", " between them, the line end last.
class ListLine {
 public:
  ListLine(HeadWriter& out, std::string_view name) noexcept : out_(out) { out_.put(name), out_.put(": "); }
  ~ListLine() { out_.put(kLineEnd); }
  ListLine(const ListLine&) = delete;
  ListLine& operator=(const ListLine&) = delete;
  void next() noexcept {
    if (!empty_) out_.put(", ");
    empty_ = false;
  }
  void add(std::string_view element) noexcept { next(), out_.put(element); }
  void add_all(const Head& head, FieldId id) noexcept {
    for (const Field& field : head.fields())
      if (field.id == id && field.value.size > 0) add(head.value(field));
  }

 private:
  HeadWriter& out_;
  bool empty_ = true;
};

// Who asked, from where and how: upstreams believe it, so a client that is not trusted must not say it. Also
// the members of the family that Sluice never writes (X-Forwarded-Port and the like).
bool is_forwarding(const Head& head, const Field& field) noexcept {
  switch (field.id) {
    case FieldId::kForwarded:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedProto:
      return true;
    case FieldId::kOther:
      return is_x_forwarded(head.name(field));
    default:
      return false;  // every other known name
  }
}

bool writes_x(ForwardedStyle style) noexcept {
  return style == ForwardedStyle::kX || style == ForwardedStyle::kBoth;
}
bool writes_rfc7239(ForwardedStyle style) noexcept {
  return style == ForwardedStyle::kRfc7239 || style == ForwardedStyle::kBoth;
}

// True for a field that goes upstream as it came; the others are written anew, or not at all.
bool passes_upstream(const RequestHead& head, const Field& field, const RequestFacts& facts,
                     const UpstreamRequest& options) noexcept {
  switch (field.id) {
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kExpect:
    case FieldId::kVia:
      return false;
    case FieldId::kOther:
      if (is_client_certificate(head.name(field))) return false;
      break;
    case FieldId::kMaxForwards:
      return facts.max_forwards < 0 && !is_hop_by_hop(head, field);
    default:
      break;
  }
  if (is_forwarding(head, field)) {
    if (!options.trust_client) return false;
    if (field.id == FieldId::kForwarded) return !writes_rfc7239(options.forwarded);
    if (field.id == FieldId::kXForwardedFor) return !writes_x(options.forwarded);
    return true;
  }
  return !is_hop_by_hop(head, field);
}

// RFC 7239 section 4: a value that is no token (an IPv6 address, a host with its port) is quoted.
void put_pair(HeadWriter& out, std::string_view name, std::string_view value) noexcept {
  const bool quoted = !is_token(value);
  out.put(name);
  out.put(quoted ? "=\"" : "=");
  out.put(value);
  if (quoted) out.put("\"");
}

void write_forwarded(HeadWriter& out, const RequestHead& head, const UpstreamRequest& options) noexcept {
  ListLine line(out, "Forwarded");
  if (options.trust_client) line.add_all(head, FieldId::kForwarded);
  line.next();
  if (options.client_ip.find(':') != std::string_view::npos) {
    out.put("for=\"["), out.put(options.client_ip), out.put("]\"");
  } else {
    put_pair(out, "for", options.client_ip);
  }
  if (!options.client_host.empty()) out.put(";"), put_pair(out, "host", options.client_host);
  out.put(";"), put_pair(out, "proto", options.scheme);
}

void write_x_forwarded(HeadWriter& out, const RequestHead& head, const UpstreamRequest& options) noexcept {
  {
    ListLine line(out, "X-Forwarded-For");
    if (options.trust_client) line.add_all(head, FieldId::kXForwardedFor);
    line.add(options.client_ip);
  }
  // A trusted client's own have passed already.
  const auto wants = [&](FieldId id) { return !options.trust_client || head.find(id) == nullptr; };
  if (wants(FieldId::kXForwardedProto)) out.field("X-Forwarded-Proto", options.scheme);
  if (wants(FieldId::kXForwardedHost) && !options.client_host.empty())
    out.field("X-Forwarded-Host", options.client_host);
}

void write_client_certificate(HeadWriter& out, const UpstreamRequest& options) noexcept {
  if (options.client_certificate.empty()) return;
  out.field("Client-Cert", options.client_certificate);
  out.field("X-Client-Cert-Subject", options.client_subject);
  out.field("X-Client-Cert-Verified", options.client_verified ? "SUCCESS" : "FAILED");  // nginx's words
}

// RFC 6797.
void write_hsts(HeadWriter& out, std::chrono::seconds age) noexcept {
  if (age.count() <= 0) return;
  out.put("Strict-Transport-Security: max-age=");
  out.put_number(static_cast<std::uint64_t>(age.count()));
  out.put(kLineEnd);
}

void write_framing(HeadWriter& out, Framing framing, std::optional<std::uint64_t> length) noexcept {
  if (framing == Framing::kChunked) {
    out.put("Transfer-Encoding: chunked\r\n");
  } else if (length) {
    out.field("Content-Length", *length);
  }
}

void copy_all(HeadWriter& out, const Head& head, FieldId id) noexcept {
  for (const Field& field : head.fields())
    if (field.id == id) copy_field(out, head, field);
}

// What of a field goes out before write_vary_and_coding() adds the rest: all, none, or its value weakened.
void write_recoded(HeadWriter& out, const Head& head, const Field& field, const Recoding& recoding) noexcept {
  switch (field.id) {
    case FieldId::kVary:
      if (recoding.vary) return;
      break;
    case FieldId::kEtag:
      if (!recoding.weak_tag || !head.value(field).starts_with('"')) break;
      out.put(head.name(field)), out.put(": W/"), out.put(head.value(field)), out.put(kLineEnd);
      return;
    case FieldId::kAcceptRanges:
    case FieldId::kContentDigest:
    case FieldId::kContentMd5:
    case FieldId::kDigest:
    case FieldId::kReprDigest:
      if (!recoding.coding.empty()) return;
      break;
    default:
      break;
  }
  copy_field(out, head, field);
}

bool varies_already(const Head& head) noexcept {
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::kVary) continue;
    const std::string_view list = head.value(field);
    if (has_token(list, "*") || has_token(list, "accept-encoding")) return true;
  }
  return false;
}

void write_vary_and_coding(HeadWriter& out, const Head& head, const Recoding& recoding) noexcept {
  if (recoding.vary) {
    ListLine line(out, "Vary");
    line.add_all(head, FieldId::kVary);
    if (!varies_already(head)) line.add("Accept-Encoding");
  }
  if (!recoding.coding.empty()) out.field("Content-Encoding", recoding.coding);
}

void write_status_line(HeadWriter& out, int status, std::string_view reason) noexcept {
  out.put("HTTP/1.1 ");
  out.put_number(static_cast<std::uint64_t>(status));
  out.put(" ");  // RFC 9112 section 4: also when no reason follows
  out.put(reason);
  out.put(kLineEnd);
}

void write_framing_and_connection(HeadWriter& out, int status, const ClientResponse& options) noexcept {
  std::optional<std::uint64_t> length;
  const bool may_have_length = status != 204;  // RFC 9110 section 8.6
  if (may_have_length && (options.framing == Framing::kLength || options.has_length)) length = options.length;
  write_framing(out, options.framing, length);
  if (!options.keep_alive) {
    out.put("Connection: close\r\n");
  } else if (options.http10_client) {
    out.put("Connection: keep-alive\r\n");
  }
}

}  // namespace

void HeadWriter::put_number(std::uint64_t value) noexcept {
  char digits[20];  // 2^64 - 1 has 20
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  put({digits, static_cast<std::size_t>(result.ptr - digits)});
}

void HeadWriter::field(std::string_view name, std::string_view value) noexcept {
  put(name), put(": "), put(value), put(kLineEnd);
}

void HeadWriter::field(std::string_view name, std::uint64_t value) noexcept {
  put(name), put(": "), put_number(value), put(kLineEnd);
}

void write_upstream_request(HeadWriter& out, const RequestHead& head, const RequestFacts& facts,
                            const UpstreamRequest& options) noexcept {
  out.put(head.view(head.method_text));
  out.put(options.target.starts_with('?') ? " /" : " ");
  out.put(options.target);
  out.put(" HTTP/1.1\r\n");
  out.field("Host", options.host);
  for (const Field& field : head.fields())
    if (passes_upstream(head, field, facts, options)) copy_field(out, head, field);

  write_framing(out, facts.framing,
                facts.framing == Framing::kLength ? std::optional(facts.length) : std::nullopt);
  if (facts.expects_continue) out.put("Expect: 100-continue\r\n");
  if (facts.wants_upgrade) {
    out.put(facts.accepts_trailers ? "Connection: upgrade, TE\r\n" : "Connection: upgrade\r\n");
    copy_all(out, head, FieldId::kUpgrade);
  } else if (facts.accepts_trailers) {
    out.put("Connection: TE\r\n");  // TE is hop-by-hop, so it has to be named: RFC 9110 section 10.1.4
  }
  if (facts.accepts_trailers) out.put("TE: trailers\r\n");
  // 0 should have been answered here; it must not go on as a huge number.
  if (facts.max_forwards >= 0)
    out.field("Max-Forwards",
              static_cast<std::uint64_t>(facts.max_forwards > 0 ? facts.max_forwards - 1 : 0));

  if (writes_x(options.forwarded)) write_x_forwarded(out, head, options);
  if (writes_rfc7239(options.forwarded)) write_forwarded(out, head, options);
  write_client_certificate(out, options);
  {
    ListLine via(out, "Via");
    via.add_all(head, FieldId::kVia);
    via.add(options.http2 ? "2.0 sluice" : facts.http10 ? "1.0 sluice" : "1.1 sluice");
  }
  out.put(kLineEnd);
}

void write_client_response(HeadWriter& out, const ResponseHead& head,
                           const ClientResponse& options) noexcept {
  write_status_line(out, head.status, head.view(head.reason));
  const bool ours_is_strict = options.hsts.count() > 0;
  bool has_date = false;
  for (const Field& field : head.fields()) {
    if (field.id == FieldId::kContentLength || is_hop_by_hop(head, field)) continue;
    if (ours_is_strict && equals_ignoring_case(head.name(field), "strict-transport-security")) continue;
    has_date = has_date || field.id == FieldId::kDate;
    write_recoded(out, head, field, options.recoding);
  }
  if (head.status < 200) {
    if (head.status == 101 && options.upgrade) {
      out.put("Connection: upgrade\r\n");
      copy_all(out, head, FieldId::kUpgrade);
      if (!options.websocket_accept.empty()) out.field("Sec-WebSocket-Accept", options.websocket_accept);
    }
  } else {
    write_vary_and_coding(out, head, options.recoding);
    if (!has_date && !options.date.empty()) out.field("Date", options.date);
    if (!options.server_timing.empty()) out.field("Server-Timing", options.server_timing);
    write_hsts(out, options.hsts);
    write_framing_and_connection(out, head.status, options);
  }
  out.put(kLineEnd);
}

void begin_own_response(HeadWriter& out, int status, const ClientResponse& options) noexcept {
  write_status_line(out, status, reason_phrase(status));
  out.put("Server: sluice\r\n");
  if (!options.date.empty()) out.field("Date", options.date);
  if (!options.server_timing.empty()) out.field("Server-Timing", options.server_timing);
  write_hsts(out, options.hsts);
  write_framing_and_connection(out, status, options);
}

void write_recoded_fields(HeadWriter& out, const ResponseHead& head, const Recoding& recoding) noexcept {
  for (const Field& field : head.fields()) write_recoded(out, head, field, recoding);
  write_vary_and_coding(out, head, recoding);
}

}  // namespace sluice::http
