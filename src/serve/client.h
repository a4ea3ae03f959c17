// The client as an exchange sees it: an HTTP/1 connection, or one stream of an HTTP/2 connection.
//
// Inside, every head is HTTP/1 text. HTTP/2 translates at its edge: a request's fields become the text in `held`,
// a response's text becomes fields (http2/head_text.h); so one set of rules judges and rewrites both.
// Thread    the worker's.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "observe/access_log.h"
#include "os/address.h"
#include "relay/buffer.h"
#include "relay/channel.h"

namespace sluice::serve {

// What TLS told of the connection, and what its listener wants said; shared by all streams of it.
struct Secured {
  bool on = false;
  std::string_view version;        // "TLSv1.3", for the log
  std::string server_name;         // SNI; may be empty
  bool resumed = false;            // an earlier session went on
  bool kernel = false;             // the sending side is in kernel TLS
  bool client_verified = false;    // the client showed a certificate that we trust
  std::string client_certificate;  // RFC 9440 Client-Cert value; empty: none was shown
  std::string client_subject;      // RFC 4514 text of its subject; empty: none
  std::chrono::seconds hsts{0};    // what responses shall say; 0: nothing
  bool to_https = false;           // without TLS: every request is sent to https instead
};

enum class HeadKind : std::uint8_t {
  kInterim,   // 1xx: another head follows
  kFinal,     // a body follows
  kWhole,     // nothing follows: HEAD, 204, 304, or a length of 0
  kSwitched,  // 101: bytes both ways follow
};

observe::AccessRecord::Tls log_of(const Secured& secured) noexcept;

class Client {
 public:
  virtual ~Client() = default;

  [[nodiscard]] virtual relay::Channel& channel() noexcept = 0;
  relay::Buffer held;  // bytes read and not used yet: the request's head at first
  [[nodiscard]] virtual const os::Address& peer() const noexcept = 0;
  [[nodiscard]] virtual const Secured& secured() const noexcept = 0;
  // A stream among others: framed by HTTP/2, so neither chunked nor ended by closing, and none of its connection's
  // affair.
  [[nodiscard]] virtual bool multiplexed() const noexcept = 0;

  // The one deadline of the exchange.
  virtual void set_deadline(std::chrono::milliseconds from_now) = 0;
  // Call as the last thing after the exchange did something outside the client's own events: it may be over, and the
  // next request may be waiting. May destroy the exchange and the client.
  virtual void settle() = 0;

  // A response head on its way out. HTTP/1: gives `text` back, to go out with the first bytes of the body. HTTP/2:
  // sends it as fields, and nothing is left to write.
  virtual std::string_view send_head(std::string_view text, HeadKind kind) = 0;
};

}  // namespace sluice::serve
