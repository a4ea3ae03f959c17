#include "http2/head_text.h"

#include <algorithm>
#include <utility>

#include "http/chars.h"
#include "http/fields.h"

namespace sluice::http2 {

using http::CharClass;
using http::FieldId;

const char* name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::kNone:
      return "ok";
    case Fault::kTooLarge:
      return "head-too-large";
    case Fault::kUnknownProtocol:
      return "unknown-protocol";
    case Fault::kLatePseudo:
      return "late-pseudo";
    case Fault::kRepeatedPseudo:
      return "repeated-pseudo";
    case Fault::kUnknownPseudo:
      return "unknown-pseudo";
    case Fault::kMissingPseudo:
      return "missing-pseudo";
    case Fault::kBadPseudo:
      return "bad-pseudo";
    case Fault::kBadName:
      return "bad-name";
    case Fault::kBadValue:
      return "bad-value";
    case Fault::kConnectionField:
      return "connection-field";
    case Fault::kAuthorityMismatch:
      return "authority-mismatch";
  }
  return "?";
}

namespace {

bool is_lower_token(std::string_view name) noexcept {
  return http::is_token(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool all(std::string_view text, CharClass kind) noexcept { return http::skip(text, 0, kind) == text.size(); }

// RFC 9113 section 8.2.1, and no other control characters either.
bool is_value(std::string_view value) noexcept {
  if (value.empty()) return true;
  return all(value, CharClass::kValue) && !http::is_blank(value.front()) && !http::is_blank(value.back());
}

// RFC 3986 section 3.1.
bool is_scheme(std::string_view text) noexcept {
  const auto letter = [](char c) { return http::to_lower(c) >= 'a' && http::to_lower(c) <= 'z'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || http::is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

}  // namespace

void FieldText::clear(std::size_t limit) {
  text_.clear();
  limit_ = limit;
  seen_ = 0;
  fault_ = Fault::kNone;
}

void FieldText::put(std::string_view part) {
  if (fault_ != Fault::kNone) return;
  if (part.size() > limit_ - text_.size()) return refuse(Fault::kTooLarge);
  text_ += part;
}

void FieldText::put_line(std::string_view name, std::string_view value) {
  put(name), put(": "), put(value), put("\r\n");
}

// RFC 9113 sections 8.2.1 and 8.2.2.
bool FieldText::judge(std::string_view name, std::string_view value) noexcept {
  seen_ += name.size() + value.size();
  if (!is_lower_token(name)) return refuse(Fault::kBadName), false;
  if (!is_value(value)) return refuse(Fault::kBadValue), false;
  switch (http::field_id(name)) {
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return refuse(Fault::kConnectionField), false;
    case FieldId::kTe:
      if (!http::equals_ignoring_case(value, "trailers")) return refuse(Fault::kConnectionField), false;
      return true;
    default:
      return true;
  }
}

// --- requests ---

void RequestText::begin(std::size_t limit, bool secure) {
  clear(limit);
  for (std::string* part : {&method_, &scheme_, &authority_, &path_, &protocol_, &cookie_, &priority_})
    part->clear();
  have_ = 0;
  secure_ = secure;
  line_written_ = has_length_ = false;
}

void RequestText::add_pseudo(std::string_view name, std::string_view value) {
  struct Known {
    std::string_view name;
    Pseudo bit;
    std::string RequestText::*into;
  };
  static constexpr Known kKnown[] = {
      {":method", kMethod, &RequestText::method_},          {":scheme", kScheme, &RequestText::scheme_},
      {":authority", kAuthority, &RequestText::authority_}, {":path", kPath, &RequestText::path_},
      {":protocol", kProtocol, &RequestText::protocol_},
  };
  seen_ += name.size() + value.size();
  if (line_written_) return refuse(Fault::kLatePseudo);
  for (const Known& known : kKnown) {
    if (known.name != name) continue;
    if (has(known.bit)) return refuse(Fault::kRepeatedPseudo);
    have_ = static_cast<std::uint8_t>(have_ | known.bit);
    if (value.size() > limit_) return refuse(Fault::kTooLarge);
    this->*known.into = value;
    return;
  }
  refuse(Fault::kUnknownPseudo);
}

// All pseudo fields have come. RFC 9113 section 8.3.1.
void RequestText::write_request_line() {
  line_written_ = true;
  if (fault_ != Fault::kNone) return;
  if (!has(kMethod)) return refuse(Fault::kMissingPseudo);
  if (!http::is_token(method_)) return refuse(Fault::kBadPseudo);
  if (has(kAuthority) && !is_value(authority_)) return refuse(Fault::kBadPseudo);
  const bool connect = method_ == "CONNECT";
  if (connect && !has(kProtocol)) {  // section 8.5: refused later, as the method it is
    if (has(kScheme) || has(kPath) || !has(kAuthority)) return refuse(Fault::kMissingPseudo);
    if (authority_.empty() || !all(authority_, CharClass::kTarget)) return refuse(Fault::kBadPseudo);
    put("CONNECT "), put(authority_), put(" HTTP/1.1\r\n");
    return put_line("host", authority_);
  }
  if (!has(kScheme) || !has(kPath)) return refuse(Fault::kMissingPseudo);
  if (has(kProtocol) && (!connect || !has(kAuthority)))
    return refuse(Fault::kMissingPseudo);  // RFC 8441 section 4
  if (!is_scheme(scheme_)) return refuse(Fault::kBadPseudo);
  const bool asterisk = path_ == "*" && method_ == "OPTIONS";
  if (!asterisk && (!path_.starts_with('/') || !all(path_, CharClass::kTarget)))
    return refuse(Fault::kBadPseudo);
  if (has(kProtocol) && protocol_ != "websocket") return refuse(Fault::kUnknownProtocol);

  put(connect ? std::string_view("GET") : method_), put(" ");
  const bool ours = http::equals_ignoring_case(scheme_, secure_ ? "https" : "http");
  if (!ours && has(kAuthority)) {
    if (authority_.empty() || !all(authority_, CharClass::kTarget)) return refuse(Fault::kBadPseudo);
    put(scheme_), put("://"), put(authority_);
    if (!asterisk) put(path_);
  } else {
    put(path_);
  }
  put(" HTTP/1.1\r\n");
  if (has(kAuthority)) put_line("host", authority_);
}

void RequestText::add(std::string_view name, std::string_view value) {
  if (name.starts_with(':')) return add_pseudo(name, value);
  if (!line_written_) write_request_line();
  if (!judge(name, value)) return;
  if (name == "cookie") {  // crumbs: RFC 9113 section 8.2.3
    if (cookie_.size() + value.size() + 2 > limit_) return refuse(Fault::kTooLarge);
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
    return;
  }
  if (name == "priority" && value.size() <= 64) priority_ = value;
  const FieldId id = http::field_id(name);
  if (id == FieldId::kHost && has(kAuthority)) {
    if (!http::equals_ignoring_case(value, authority_)) refuse(Fault::kAuthorityMismatch);
    return;  // it has been written
  }
  has_length_ = has_length_ || id == FieldId::kContentLength;
  put_line(name, value);
}

Fault RequestText::finish(bool ends_stream, std::string_view websocket_key) {
  if (!line_written_) write_request_line();
  if (!cookie_.empty()) put_line("cookie", cookie_);
  if (extended_connect()) {
    if (has_length_) refuse(Fault::kConnectionField);  // what follows is a tunnel's, not a body's
    put("connection: upgrade\r\nupgrade: websocket\r\n");
    put_line("sec-websocket-key", websocket_key);
  } else if (!ends_stream && !has_length_ && method_ != "CONNECT") {
    put("transfer-encoding: chunked\r\n");
  }
  put("\r\n");
  return fault_;
}

// --- responses ---

void ResponseText::begin(std::size_t limit, bool tunnel) {
  clear(limit);
  tunnel_ = tunnel;
  status_ = 0;
  has_length_ = has_fields_ = false;
}

void ResponseText::add(std::string_view name, std::string_view value) {
  if (name.starts_with(':')) {
    seen_ += name.size() + value.size();
    if (has_fields_) return refuse(Fault::kLatePseudo);
    if (name != ":status") return refuse(Fault::kUnknownPseudo);
    if (status_ != 0) return refuse(Fault::kRepeatedPseudo);
    const auto number = http::parse_digits(value, 999);
    // 101 has no meaning in HTTP/2: RFC 9113 section 8.6.
    if (value.size() != 3 || !number || *number < 100 || *number == 101) return refuse(Fault::kBadPseudo);
    status_ = static_cast<int>(*number);
    put("HTTP/1.1 "), put(switches() ? "101" : value), put(" \r\n");
    if (switches()) put("connection: upgrade\r\nupgrade: websocket\r\n");
    return;
  }
  if (std::exchange(has_fields_, true) == false && status_ == 0) refuse(Fault::kMissingPseudo);
  if (!judge(name, value)) return;
  const FieldId id = http::field_id(name);
  if (id == FieldId::kTe) return refuse(Fault::kConnectionField);
  // What follows is no body, and the handshake of HTTP/1 is not this server's affair.
  if (switches() && (id == FieldId::kContentLength || name == "sec-websocket-accept")) return;
  has_length_ = has_length_ || id == FieldId::kContentLength;
  put_line(name, value);
}

Fault ResponseText::finish(bool ends_stream, http::Method asked) {
  if (status_ == 0) refuse(Fault::kMissingPseudo);
  if (interim() && ends_stream) refuse(Fault::kBadPseudo);  // section 8.1: a final one has to follow
  const bool may_have_body = !interim() && status_ != 204 && status_ != 304 && asked != http::Method::kHead;
  if (may_have_body && !has_length_ && !switches())
    put(ends_stream ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n");
  put("\r\n");
  return fault_;
}

// --- trailers ---

void TrailerText::add(std::string_view name, std::string_view value) {
  if (name.starts_with(':')) {
    seen_ += name.size() + value.size();
    return refuse(Fault::kLatePseudo);
  }
  if (judge(name, value)) put_line(name, value);
}

}  // namespace sluice::http2
