// Whether this kernel does TLS records itself (the "tls" module), and for which ciphers.
//
// Source   Documentation/networking/tls.rst; linux/tls.h.
#pragma once

namespace sluice::os {

struct KernelTls {
  int error =
      0;  // errno of the attempt: 0 it does; ENOENT: the module is missing; ENOSYS: headers without it
  bool aes128_gcm = false, aes256_gcm = false, chacha20_poly1305 = false;  // sending side, TLS 1.3
};

// Tries it on a pair of connected sockets of its own. Takes well under a millisecond; may load the module.
KernelTls try_kernel_tls() noexcept;

}  // namespace sluice::os
