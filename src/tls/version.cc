#include "tls/version.h"

#include <openssl/crypto.h>

namespace sluice::tls {

const char* openssl_version() noexcept { return ::OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace sluice::tls
