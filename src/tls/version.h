// Which OpenSSL encrypts: for `sluice version` and bug reports.
#pragma once

namespace sluice::tls {

const char* openssl_version() noexcept;  // "3.0.15"; of the library that is loaded, not of the headers

}  // namespace sluice::tls
