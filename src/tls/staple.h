// An OCSP response from a file, stapled to handshakes so that clients need not ask the issuer.
//
// Thread   immutable once made; shared by all.
// Errors   TlsError for what is no OCSP response; a remark for one that can't be used.
// Source   RFC 6960, RFC 6066 section 8.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "os/clock.h"
#include "tls/openssl.h"

namespace sluice::tls {

struct Staple {
  std::string file;
  std::string der;  // as it goes out
  OcspBasicPtr response;
};

std::shared_ptr<const Staple> read_staple(const std::string& file, std::string der);

// Why `staple` can't go with `certificate` at `now`: another certificate's, expired, revoked ... Empty: it can. Its
// signature is the clients' to check.
std::string unfit(const Staple& staple, const X509& certificate, os::WallTime now);

// Until when it says "good" about `certificate`; nothing where it doesn't tell.
std::optional<os::WallTime> good_until(const Staple& staple, const X509& certificate);

}  // namespace sluice::tls
