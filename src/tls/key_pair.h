// A certificate with its chain and its private key: what one entry of "certificates" names.
//
// Thread   immutable once made; shared by all.
// Errors   TlsError, one sentence that names the file.
// Source   RFC 7468 (PEM), RFC 6125 section 6.4 (which names count).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/clock.h"
#include "tls/openssl.h"

namespace sluice::tls {

struct KeyPair {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;  // as they stand behind the leaf
  KeyPtr key;
  // Lower case: "a.example", "*.example". Those of subjectAltName; the subject's common name only where there are none.
  std::vector<std::string> names;
  std::string file;  // of the certificate, for messages

  // EVP_PKEY_RSA, EVP_PKEY_EC ...
  [[nodiscard]] int key_type() const noexcept { return EVP_PKEY_get_base_id(key.get()); }
};

// A PEM file's text and its name.
struct PemText {
  std::string file;
  std::string text;
};

// The certificates of a text, in order; at least one.
std::vector<X509Ptr> read_certificates(const PemText& pem);

std::shared_ptr<const KeyPair> read_key_pair(const PemText& certificate, const PemText& key);

// Makes it a certificate of `context`, which takes references of its own.
void use(SSL_CTX& context, const KeyPair& pair);

// The least strength of keys and signatures: OpenSSL's level of 112 bits, with RSA from 2048 and no SHA-1.
inline constexpr int kSecurityLevel = 2;

// The names of KeyPair, of any certificate.
std::vector<std::string> names_of(const X509& certificate);

// "has expired on Nov 21 10:00:00 2026 GMT" and the like; empty when the certificate is valid at `now`.
std::string validity_warning(const X509& certificate, os::WallTime now);

// SHA-256 of the whole certificate, "AB:CD:...", as browsers and `openssl x509 -fingerprint -sha256` show it.
std::string fingerprint(const X509& certificate);

}  // namespace sluice::tls
