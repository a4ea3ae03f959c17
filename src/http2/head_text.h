// What HPACK yields, field by field, as the text of an HTTP/1 head: so one parser and one set of rules judges both
// protocols. Here stands only what HTTP/2 adds: pseudo fields, names in lower case, no fields about the connection.
//
// Framing    a request whose stream ends with its head has none, one with a content-length keeps it, any other says
//            "transfer-encoding: chunked", which stands for "of unknown length": its payload is never in chunks.
// Limits     text beyond `limit` bytes is not kept: kTooLarge. add() may be called for ever all the same.
// Errors     a Fault. All but kTooLarge and kUnknownProtocol make the message malformed: RFC 9113 section 8.1.1.
// Thread     any; plain data.
// Source     RFC 9113 section 8, RFC 8441.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"

namespace sluice::http2 {

enum class Fault : std::uint8_t {
  kNone,
  kTooLarge,
  kUnknownProtocol,  // an extended CONNECT for something that is no WebSocket
  kLatePseudo,       // behind a field, or in trailers
  kRepeatedPseudo,
  kUnknownPseudo,
  kMissingPseudo,  // or one that this method may not have
  kBadPseudo,      // a value that can't stand there
  kBadName,        // not a token in lower case
  kBadValue,       // control characters, or white space around it
  kConnectionField,
  kAuthorityMismatch,  // :authority and host differ
};
const char* name_of(Fault fault) noexcept;  // "late-pseudo": stable, for logs

// The part that all kinds share: field lines.
class FieldText {
 public:
  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  // Bytes of names and values so far, kept or not.
  [[nodiscard]] std::size_t seen() const noexcept { return seen_; }

 protected:
  void clear(std::size_t limit);
  void refuse(Fault fault) noexcept {
    if (fault_ == Fault::kNone || fault_ == Fault::kTooLarge) fault_ = fault;
  }
  // false: refused.
  bool judge(std::string_view name, std::string_view value) noexcept;
  void put(std::string_view part);
  void put_line(std::string_view name, std::string_view value);

  std::string text_;
  std::size_t limit_ = 0, seen_ = 0;
  Fault fault_ = Fault::kNone;
};

class RequestText : public FieldText {
 public:
  // `secure`: the connection is encrypted; a request for the other scheme gets a target in absolute form.
  void begin(std::size_t limit, bool secure);
  void add(std::string_view name, std::string_view value);
  // `websocket_key`: 16 random bytes in base64, for an extended CONNECT; an HTTP/1 server wants one.
  Fault finish(bool ends_stream, std::string_view websocket_key);
  [[nodiscard]] bool extended_connect() const noexcept { return has(kProtocol); }
  // The value of the priority field (RFC 9218), empty for none.
  [[nodiscard]] std::string_view priority() const noexcept { return priority_; }

 private:
  enum Pseudo : std::uint8_t { kMethod = 1, kScheme = 2, kAuthority = 4, kPath = 8, kProtocol = 16 };
  [[nodiscard]] bool has(Pseudo one) const noexcept { return (have_ & one) != 0; }
  void add_pseudo(std::string_view name, std::string_view value);
  void write_request_line();

  std::string method_, scheme_, authority_, path_, protocol_, cookie_, priority_;
  std::uint8_t have_ = 0;
  bool secure_ = false, line_written_ = false, has_length_ = false;
};

class ResponseText : public FieldText {
 public:
  // `tunnel`: it answers an extended CONNECT. There any 2xx says that the tunnel stands, which is 101 in HTTP/1.
  void begin(std::size_t limit, bool tunnel = false);
  void add(std::string_view name, std::string_view value);
  // Of the request it answers. A response that ended with its head says "content-length: 0" where it may.
  Fault finish(bool ends_stream, http::Method asked);
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] bool interim() const noexcept { return status_ < 200; }

 private:
  [[nodiscard]] bool switches() const noexcept { return tunnel_ && status_ / 100 == 2; }

  int status_ = 0;
  bool has_length_ = false, has_fields_ = false, tunnel_ = false;
};

// "a: b\r\nc: d\r\n", without the empty line.
class TrailerText : public FieldText {
 public:
  void begin(std::size_t limit) { clear(limit); }
  void add(std::string_view name, std::string_view value);
};

}  // namespace sluice::http2
