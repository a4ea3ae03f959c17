// Kernel TLS: whether this process can have it, and what became of it on one connection.
//
// After the handshake the keys of the sending side (and of the receiving side, where OpenSSL offers it) move into the
// kernel. From then on plain bytes that are sent, spliced or sent from a file leave as records, and the relay treats
// the connection as a socket.
//
// Tried at start, because a kernel without its module, or an OpenSSL without support, says so only then. Why a
// connection stayed with OpenSSL is one of relay::Reason.
// What it costs  A peer's KeyUpdate that asks for ours can't be answered: kernels before 6.14 can't change a sending
//                key, and OpenSSL does not try. Such a connection is ended ("revoked") and counted.
// Never          TLS_TX_ZEROCOPY_RO: a file that changes while it is sent would break its records.
// Source         Documentation/networking/tls.rst; SSL_CTX_set_options(3), SSL_OP_ENABLE_KTLS.
#pragma once

#include <string>

#include "relay/choose.h"
#include "tls/openssl.h"

namespace sluice::tls {

struct KernelTlsAbility {
  bool usable = false;
  std::string told;  // one sentence: what there is, or what is missing
  bool aes128_gcm = false, aes256_gcm = false, chacha20_poly1305 = false;
};

// Tried once a process, by whoever asks first. Any thread.
const KernelTlsAbility& kernel_tls();

// A socket's own BIO, which OpenSSL needs during the handshake to hand keys over. Null: out of memory.
BioPtr kernel_tls_bio(int fd);

// Which sides moved, after the handshake.
struct Moved {
  bool sending = false, receiving = false;
};
Moved moved_into_kernel(const SSL* ssl) noexcept;

// Why the sending side did not, where it was asked for and usable.
relay::Reason why_not_moved(const SSL* ssl) noexcept;

}  // namespace sluice::tls
