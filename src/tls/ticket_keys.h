// The keys that session tickets are sealed with: one ring for a listener, shared by all workers and kept over reloads,
// so that a client may come back to any of them.
//
// The newest key seals; it and the one before it open. A ticket is good for one rotation, so its key is there as long as
// the ticket. A key that is older than two rotations is gone: who takes it later from memory can't open what was
// recorded before.
// Thread    find() and newest() any; rotate() and set_rotation() the main thread.
// Errors    values; the constructor throws TlsError when there is no randomness.
// Source    RFC 5077, RFC 8446 section 4.6.1; SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>

#include "os/clock.h"
#include "tls/openssl.h"

namespace sluice::tls {

struct TicketKey {
  static constexpr std::size_t kNameSize = 16;
  std::array<unsigned char, kNameSize> name;  // stands in the ticket
  std::array<unsigned char, 32> cipher;       // AES-256-CBC
  std::array<unsigned char, 32> mac;          // HMAC-SHA-256
  os::Time made;
  TicketKey() noexcept = default;
  TicketKey(const TicketKey&) noexcept = default;
  TicketKey& operator=(const TicketKey&) noexcept = default;
  ~TicketKey();  // wiped
};

class TicketKeys {
 public:
  TicketKeys(std::chrono::milliseconds rotation, os::Time now);

  void set_rotation(std::chrono::milliseconds rotation);
  // When rotate() has something to do again: a new key, or an old one that is over.
  [[nodiscard]] os::Time due() const;
  // True: there is a new key. Nothing happens before it is due, or when there is no randomness.
  bool rotate(os::Time now);

  [[nodiscard]] TicketKey newest() const;
  // The key of that name, if it still opens tickets.
  [[nodiscard]] std::optional<TicketKey> find(std::span<const unsigned char, TicketKey::kNameSize> name,
                                              os::Time now) const;

  // The body of OpenSSL's callback: prepares both contexts to seal (true) or to open a ticket. Gives what the callback
  // has to: -1 failed, 0 no such key (a full handshake follows), 1 fine, 2 fine, and the client gets a new ticket.
  int use(SSL& ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
          bool seal) const noexcept;

 private:
  mutable std::mutex mutex_;
  std::chrono::milliseconds rotation_;
  TicketKey newest_;
  std::optional<TicketKey> previous_;
};

}  // namespace sluice::tls
