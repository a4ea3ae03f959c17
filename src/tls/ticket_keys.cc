#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "tls/error.h"

namespace sluice::tls {

namespace {

bool fill(TicketKey& key, os::Time now) noexcept {
  key.made = now;
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

// Looked up once: OpenSSL searches its providers for each name it is given.
const EVP_CIPHER* aes() noexcept {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool set_mac(EVP_MAC_CTX* mac, const TicketKey& key) noexcept {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.mac.data(), key.mac.size(), params) == 1;
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

TicketKeys::TicketKeys(std::chrono::milliseconds rotation, os::Time now) : rotation_(rotation) {
  if (!fill(newest_, now)) throw TlsError("no key for session tickets: " + last_error());
}

void TicketKeys::set_rotation(std::chrono::milliseconds rotation) {
  const std::lock_guard lock(mutex_);
  rotation_ = rotation;
}

os::Time TicketKeys::due() const {
  const std::lock_guard lock(mutex_);
  return newest_.made + rotation_;
}

bool TicketKeys::rotate(os::Time now) {
  const std::lock_guard lock(mutex_);
  if (now < newest_.made + rotation_) return false;
  TicketKey fresh;
  if (!fill(fresh, now)) {
    ERR_clear_error();
    return false;
  }
  previous_ = newest_;
  newest_ = fresh;
  return true;
}

TicketKey TicketKeys::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

std::optional<TicketKey> TicketKeys::find(std::span<const unsigned char, TicketKey::kNameSize> name,
                                          os::Time now) const {
  const std::lock_guard lock(mutex_);
  for (const TicketKey* key : {&newest_, previous_ ? &*previous_ : nullptr}) {
    if (key == nullptr || !std::equal(name.begin(), name.end(), key->name.begin())) continue;
    // rotate() may be late: the age decides.
    if (now < key->made + 2 * rotation_) return *key;
  }
  return std::nullopt;
}

int TicketKeys::use(SSL& ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, bool seal) const noexcept {
  if (seal) {
    const TicketKey key = newest();
    std::copy(key.name.begin(), key.name.end(), name);
    const bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes())) == 1 &&
                       EVP_EncryptInit_ex2(cipher, aes(), key.cipher.data(), iv, nullptr) == 1 &&
                       set_mac(mac, key);
    return ready ? 1 : -1;
  }
  const auto key =
      find(std::span<const unsigned char, TicketKey::kNameSize>(name, TicketKey::kNameSize), os::now());
  if (!key) return 0;
  if (!set_mac(mac, *key) || EVP_DecryptInit_ex2(cipher, aes(), key->cipher.data(), iv, nullptr) != 1)
    return -1;
  // In TLS 1.3 a ticket is for one use, so whoever comes back gets the next one. In 1.2 it lasts, and is changed for
  // one under the newest key when there is one.
  const bool renew = SSL_version(&ssl) == TLS1_3_VERSION || key->name != newest().name;
  return renew ? 2 : 1;
}

}  // namespace sluice::tls
