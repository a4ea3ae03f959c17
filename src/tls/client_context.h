// TLS towards the servers of one upstream: whom to believe, who we are, which protocol.
//
// Thread    immutable; shared by all workers. An SSL keeps the context it came from alive. A LastSession is one worker's.
// Errors    make() throws TlsError.
// Source    RFC 6125 (names), RFC 6066 section 3 (an address is no server name), RFC 8446 section 4.6.1 (tickets come
//           behind the handshake); SSL_CTX_sess_set_new_cb(3).
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "tls/key_pair.h"
#include "tls/openssl.h"
#include "tls/server_context.h"

namespace sluice::tls {

class ClientContext;

// The session to go on with at the next connection to one server: the newest one that it gave.
class LastSession {
 public:
  void keep(const ClientContext& from, const SSL_SESSION& session) noexcept;
  // A copy; null: there is none, or it was made under other rules (another authority, another name).
  [[nodiscard]] SessionPtr copy(const ClientContext& wanted) const noexcept;

 private:
  SessionPtr session_;
  std::uint64_t made_by_ = 0;  // ClientContext::id()
};

class ClientContext : public std::enable_shared_from_this<ClientContext> {
 public:
  struct Parts {
    bool verify = true;
    std::shared_ptr<const Authorities> authorities;  // null: the system's
    std::string name;                                // instead of the configured host; empty: that
    std::shared_ptr<const KeyPair> own;              // null: none
    std::string alpn;  // what is to be spoken: "h2", "http/1.1"; empty: no word of it
    bool operator==(const Parts&) const = default;
  };

  static std::shared_ptr<const ClientContext> make(Parts parts);

  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }  // no two have the same

  // Our side of one connection to `host`, a DNS name or an address as the configuration has it. Goes on with the
  // session in `last` and puts there what the server gives; null: no sessions. Null result: no memory, or a name that
  // can't be one.
  [[nodiscard]] SslPtr new_connection(const std::string& host, std::shared_ptr<LastSession> last) const;

 private:
  explicit ClientContext(Parts parts);

  const Parts parts_;
  const std::uint64_t id_;
  SslCtxPtr context_;
};

// After a failed handshake: what is wrong with the server's certificate, for people; empty: nothing, or it came to none.
std::string distrust(const SSL& ssl);

}  // namespace sluice::tls
