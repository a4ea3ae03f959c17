#include "os/kernel_tls.h"

#include <cerrno>
#include <optional>

#include "os/socket.h"

#if __has_include(<linux/tls.h>)
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#endif

namespace sluice::os {

#if __has_include(<linux/tls.h>)

namespace {

// Over IPv4 or, where there is none, IPv6. TCP only: the module knows no other sockets.
int connected_pair(UniqueFd& one, UniqueFd& other) noexcept {
  int error = EADDRNOTAVAIL;
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto loopback = Address::parse(address);
    if (!loopback) continue;
    const SocketOr listener = listen_tcp(*loopback, 1);
    error = listener.error;
    if (!listener.fd.valid()) continue;
    SocketOr made = connect_tcp(local_address(listener.fd.get()));
    error = made.error;
    if (!made.fd.valid()) continue;
    pollfd waits{.fd = listener.fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waits, 1, 1000) != 1) {
      error = ETIMEDOUT;
      continue;
    }
    Address peer;
    SocketOr taken = accept_tcp(listener.fd.get(), peer);
    error = taken.error;
    if (!taken.fd.valid()) continue;
    one = std::move(made.fd);
    other = std::move(taken.fd);
    return 0;
  }
  return error;
}

// errno: sets a sending key on a fresh connection. The key is zeros: nothing is ever sent.
template <typename Info>
int try_cipher(unsigned short cipher) noexcept {
  UniqueFd ours, peer;
  if (const int error = connected_pair(ours, peer); error != 0) return error;
  if (::setsockopt(ours.get(), SOL_TCP, TCP_ULP, "tls", sizeof "tls") == -1) return errno;
  Info info{};
  info.info.version = TLS_1_3_VERSION;
  info.info.cipher_type = cipher;
  return ::setsockopt(ours.get(), SOL_TLS, TLS_TX, &info, sizeof info) == -1 ? errno : 0;
}

}  // namespace

KernelTls try_kernel_tls() noexcept {
  KernelTls out;
  out.error = try_cipher<tls12_crypto_info_aes_gcm_128>(TLS_CIPHER_AES_GCM_128);
  if (out.error != 0) return out;
  out.aes128_gcm = true;
  out.aes256_gcm = try_cipher<tls12_crypto_info_aes_gcm_256>(TLS_CIPHER_AES_GCM_256) == 0;
#ifdef TLS_CIPHER_CHACHA20_POLY1305
  out.chacha20_poly1305 = try_cipher<tls12_crypto_info_chacha20_poly1305>(TLS_CIPHER_CHACHA20_POLY1305) == 0;
#endif
  return out;
}

#else

KernelTls try_kernel_tls() noexcept { return {.error = ENOSYS}; }

#endif

}  // namespace sluice::os
