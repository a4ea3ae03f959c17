#include "tls/kernel_tls.h"

#include <cerrno>
#include <system_error>

#include "os/kernel_tls.h"

namespace sluice::tls {

namespace {

KernelTlsAbility try_it() {
  KernelTlsAbility out;
#ifdef OPENSSL_NO_KTLS
  out.told = "this OpenSSL was built without kernel TLS";
#else
  const os::KernelTls kernel = os::try_kernel_tls();
  if (kernel.error != 0) {
    out.told = kernel.error == ENOENT
                   ? "the kernel's module \"tls\" is missing or not loaded"
                   : "the kernel refuses it: " + std::generic_category().message(kernel.error);
    return out;
  }
  out.usable = true;
  out.aes128_gcm = kernel.aes128_gcm;
  out.aes256_gcm = kernel.aes256_gcm;
  out.chacha20_poly1305 = kernel.chacha20_poly1305;
  out.told = "AES-128-GCM";
  if (out.aes256_gcm) out.told += ", AES-256-GCM";
  if (out.chacha20_poly1305) out.told += ", ChaCha20-Poly1305";
#endif
  return out;
}

}  // namespace

const KernelTlsAbility& kernel_tls() {
  static const KernelTlsAbility kAbility = try_it();
  return kAbility;
}

BioPtr kernel_tls_bio(int fd) { return BioPtr(BIO_new_socket(fd, BIO_NOCLOSE)); }

Moved moved_into_kernel(const SSL* ssl) noexcept {
  return {.sending = BIO_get_ktls_send(SSL_get_wbio(ssl)) != 0,
          .receiving = BIO_get_ktls_recv(SSL_get_rbio(ssl)) != 0};
}

relay::Reason why_not_moved(const SSL* ssl) noexcept {
  const KernelTlsAbility& ability = kernel_tls();
  bool known = false;
  switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
    case NID_aes_128_gcm:
      known = ability.aes128_gcm;
      break;
    case NID_aes_256_gcm:
      known = ability.aes256_gcm;
      break;
    case NID_chacha20_poly1305:
      known = ability.chacha20_poly1305;
      break;
    default:
      break;
  }
  return known ? relay::Reason::kKtlsRefused : relay::Reason::kKtlsCipher;
}

}  // namespace sluice::tls
