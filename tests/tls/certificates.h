// Certificates for tests, made with the library: any names, any key, any time, signed by any other.
#pragma once

#include <openssl/pem.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tls/key_pair.h"
#include "tls/openssl.h"

namespace sluice::testing {

struct Made {
  tls::X509Ptr certificate;
  tls::KeyPtr key;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem(const char* passphrase = nullptr) const;
};

struct Wanted {
  std::string common_name = "a.example";
  std::string alternatives;         // "DNS:a.example,IP:127.0.0.1"; empty: no such extension
  bool rsa = false;                 // else ECDSA on P-256
  bool authority = false;           // may sign others
  const Made* signed_by = nullptr;  // null: itself
  std::chrono::hours from{-1};      // from now
  std::chrono::hours until{24};
};

Made make(const Wanted& wanted);

// As a configuration's entry would have it.
std::shared_ptr<const tls::KeyPair> pair_of(const Made& made);

// DER of an OCSP response about `subject`, signed by `issuer`.
struct Answer {
  int status = V_OCSP_CERTSTATUS_GOOD;
  std::chrono::seconds from{-60};
  std::chrono::seconds until{3600};
};
std::string ocsp_answer(const Made& subject, const Made& issuer, const Answer& answer = {});

}  // namespace sluice::testing
