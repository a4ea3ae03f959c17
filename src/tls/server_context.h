// TLS towards clients: what all connections of one listener share. Certificates by name, versions and ciphers, protocols,
// tickets, client certificates.
//
// Which certificate   the exact name that the client asks for, then a wildcard for its first label, else the first of
//                     the list. Of those with that name the client gets the first of each key type (ECDSA beside RSA)
//                     to choose from: one SSL_CTX for each such set.
// Thread    immutable; shared by all workers. An SSL keeps the context it came from alive.
// Errors    make() throws TlsError.
// Source    RFC 6066 (SNI, OCSP), RFC 7301 (ALPN), RFC 8446; Mozilla's "intermediate" profile.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "tls/key_pair.h"
#include "tls/openssl.h"
#include "tls/staple.h"
#include "tls/ticket_keys.h"

namespace sluice::tls {

// Those who sign certificates that we trust.
struct Authorities {
  std::vector<X509Ptr> certificates;
  std::string digest;  // of them all: another set, another digest
};

std::shared_ptr<const Authorities> read_authorities(const PemText& pem);

class ServerContext : public std::enable_shared_from_this<ServerContext> {
 public:
  struct Certificate {
    std::shared_ptr<const KeyPair> pair;
    std::shared_ptr<const Staple> staple;  // null: none; must fit the certificate
    bool operator==(const Certificate&) const = default;
  };
  // What a context is made of. The same parts make the same context: see Store.
  struct Parts {
    std::vector<Certificate> certificates;  // at least one
    config::TlsVersion min_version = config::TlsVersion::k12;
    config::ClientCertificates client_certificates = config::ClientCertificates::kOff;
    std::shared_ptr<const Authorities> client_ca;  // unless client_certificates is off
    std::vector<std::string> alpn;                 // in our order; empty: the client's offer is not looked at
    std::shared_ptr<TicketKeys> tickets;
    std::chrono::milliseconds session_life{std::chrono::hours(12)};  // one rotation: see TicketKeys
    bool operator==(const Parts&) const = default;
  };

  static std::shared_ptr<const ServerContext> make(Parts parts);
  ~ServerContext();

  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }

  // The server's side of one connection, without a transport yet. Null: no memory.
  [[nodiscard]] SslPtr new_connection() const;

 private:
  struct Callbacks;
  struct Told {  // to be stapled
    std::string_view der;
    std::optional<os::WallTime> until;
  };

  explicit ServerContext(Parts parts);
  SslCtxPtr make_context(const std::vector<std::size_t>& chosen);
  void offer(SSL_CTX& context, const Certificate& certificate);
  [[nodiscard]] SSL_CTX* find(std::string_view name) const;

  const Parts parts_;
  std::string session_context_;
  std::string alpn_;                                        // with a length before each: as OpenSSL wants it
  std::map<std::vector<std::size_t>, SslCtxPtr> contexts_;  // by places in parts_.certificates
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;
  SSL_CTX* first_ = nullptr;
  std::map<const X509*, Told> staples_;
};

// Whether a handshake on `ssl` asked for the certificate's status, and whether it got it.
enum class Stapled : unsigned char { kNotAsked, kMissing, kDone };
Stapled stapled(const SSL& ssl) noexcept;

}  // namespace sluice::tls
