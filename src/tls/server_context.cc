#include "tls/server_context.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "tls/error.h"

namespace sluice::tls {

namespace {

// Forward secrecy and authenticated encryption only; ECDSA where the client can. TLS 1.3 has nothing else anyway.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

// What an SSL carries of us: the context it came from, and what became of the request for a staple.
struct Attached {
  std::shared_ptr<const ServerContext> context;
  Stapled stapled = Stapled::kNotAsked;
};

void free_attached(void*, void* attached, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Attached*>(attached);
}

int attached_index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_attached);
  return index;
}

Attached* attached_to(const SSL* ssl) noexcept {
  return static_cast<Attached*>(SSL_get_ex_data(ssl, attached_index()));
}

void require(bool done, const char* what) {
  if (!done) throw TlsError(std::string(what) + ": " + last_error());
}

std::string sha256(std::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  require(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                     EVP_sha256(), nullptr) == 1,
          "SHA-256");
  return digest;
}

std::string in_lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// A session may be gone on with only where the same would be asked of the client.
std::string session_context_of(const ServerContext::Parts& parts) {
  std::string text = "sluice " + std::to_string(static_cast<int>(parts.client_certificates));
  if (parts.client_ca != nullptr) text += ' ' + parts.client_ca->digest;
  return sha256(text);
}

}  // namespace

std::shared_ptr<const Authorities> read_authorities(const PemText& pem) {
  auto authorities = std::make_shared<Authorities>();
  authorities->certificates = read_certificates(pem);
  std::string all;
  for (const X509Ptr& certificate : authorities->certificates) all += fingerprint(*certificate);
  authorities->digest = sha256(all);
  return authorities;
}

// OpenSSL's way back to us.
struct ServerContext::Callbacks {
  static int on_name(SSL* ssl, int*, void*) noexcept {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* const found = attached_to(ssl)->context->find(name);
    if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;  // the first certificate: the client judges
    return SSL_set_SSL_CTX(ssl, found) == nullptr ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
  }

  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                     unsigned int offered_size, void*) noexcept {
    const std::string& ours = attached_to(ssl)->context->alpn_;
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned int>(ours.size()), offered, offered_size);
    *out = chosen;
    // The alert no_application_protocol: what is not understood must not be guessed (RFC 7301, section 3.2).
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seal) noexcept {
    return attached_to(ssl)->context->parts_.tickets->use(*ssl, name, iv, cipher, mac, seal != 0);
  }

  // Called only when the client asks.
  static int on_status(SSL* ssl, void*) noexcept {
    Attached& attached = *attached_to(ssl);
    attached.stapled = Stapled::kMissing;
    const auto& staples = attached.context->staples_;
    const auto found = staples.find(SSL_get_certificate(ssl));
    if (found == staples.end()) return SSL_TLSEXT_ERR_NOACK;
    const auto& [der, until] = found->second;
    if (until && *until < os::wall_now()) return SSL_TLSEXT_ERR_NOACK;
    void* const copy = OPENSSL_memdup(der.data(), der.size());  // becomes the SSL's
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
    attached.stapled = Stapled::kDone;
    return SSL_TLSEXT_ERR_OK;
  }
};

Stapled stapled(const SSL& ssl) noexcept {
  const Attached* const attached = attached_to(&ssl);
  return attached == nullptr ? Stapled::kNotAsked : attached->stapled;
}

std::shared_ptr<const ServerContext> ServerContext::make(Parts parts) {
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(parts)));
}

ServerContext::~ServerContext() = default;

ServerContext::ServerContext(Parts parts)
    : parts_(std::move(parts)), session_context_(session_context_of(parts_)) {
  for (const std::string& protocol : parts_.alpn) alpn_ += static_cast<char>(protocol.size()) + protocol;
  // For each name the first certificate of each key type.
  std::map<std::string, std::vector<std::size_t>> chosen;
  for (std::size_t i = 0; i < parts_.certificates.size(); ++i) {
    const KeyPair& pair = *parts_.certificates[i].pair;
    for (const std::string& name : pair.names) {
      auto& some = chosen[name];
      const bool taken = std::any_of(some.begin(), some.end(), [&](std::size_t other) {
        return parts_.certificates[other].pair->key_type() == pair.key_type();
      });
      if (!taken) some.push_back(i);
    }
  }
  const auto context_for = [this](const std::vector<std::size_t>& some) {
    SslCtxPtr& context = contexts_[some];
    if (context == nullptr) context = make_context(some);
    return context.get();
  };
  for (const auto& [name, some] : chosen) by_name_[name] = context_for(some);
  const auto& names = parts_.certificates.front().pair->names;
  first_ = context_for(names.empty() ? std::vector<std::size_t>{0} : chosen[names.front()]);
}

SslCtxPtr ServerContext::make_context(const std::vector<std::size_t>& chosen) {
  SslCtxPtr made(SSL_CTX_new(TLS_server_method()));
  require(made != nullptr, "no TLS context");
  SSL_CTX* const context = made.get();
  SSL_CTX_set_security_level(context, kSecurityLevel);
  const int oldest = parts_.min_version == config::TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  require(SSL_CTX_set_min_proto_version(context, oldest) == 1 &&
              SSL_CTX_set_max_proto_version(context, 0) == 1 &&
              SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
              SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
              SSL_CTX_set1_groups_list(context, kGroups) == 1,
          "versions and ciphers");
  // Our order, so that ECDSA comes before RSA; but ChaCha20 for those who prefer it: they have no AES in hardware.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // The chain is what stands in the file: nothing is added to it from the authorities of client certificates.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);

  // Sessions live in tickets, not here: no memory, and any worker can go on with them. No early data: it can be replayed.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  const auto lifetime = std::chrono::ceil<std::chrono::seconds>(parts_.session_life);
  SSL_CTX_set_timeout(
      context, static_cast<long>(std::min<std::chrono::seconds>(lifetime, std::chrono::days(7)).count()));
  require(
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_context_.data()),
                                     static_cast<unsigned int>(session_context_.size())) == 1 &&
          SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::on_ticket) == 1,
      "session tickets");

  SSL_CTX_set_tlsext_servername_callback(context, Callbacks::on_name);
  SSL_CTX_set_tlsext_status_cb(context, Callbacks::on_status);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, Callbacks::on_alpn, nullptr);

  if (parts_.client_certificates != config::ClientCertificates::kOff) {
    const bool required = parts_.client_certificates == config::ClientCertificates::kRequired;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const X509Ptr& authority : parts_.client_ca->certificates) {
      require(X509_STORE_add_cert(store, authority.get()) == 1 &&
                  SSL_CTX_add_client_CA(context, authority.get()) == 1,
              "client_ca");
    }
  }
  for (const std::size_t i : chosen) offer(*context, parts_.certificates[i]);
  return made;
}

void ServerContext::offer(SSL_CTX& context, const Certificate& certificate) {
  const KeyPair& pair = *certificate.pair;
  use(context, pair);
  if (certificate.staple != nullptr)
    staples_[pair.leaf.get()] = {certificate.staple->der, good_until(*certificate.staple, *pair.leaf)};
}

SSL_CTX* ServerContext::find(std::string_view name) const {
  const std::string lower = in_lower_case(name);
  if (const auto exact = by_name_.find(lower); exact != by_name_.end()) return exact->second;
  const std::size_t dot = lower.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  const auto wildcard = by_name_.find('*' + lower.substr(dot));
  return wildcard == by_name_.end() ? nullptr : wildcard->second;
}

SslPtr ServerContext::new_connection() const {
  SslPtr ssl(SSL_new(first_));
  if (ssl == nullptr) return nullptr;
  auto attached = std::make_unique<Attached>(Attached{.context = shared_from_this()});
  if (SSL_set_ex_data(ssl.get(), attached_index(), attached.get()) != 1) return nullptr;
  (void)attached.release();  // free_attached() has it now
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace sluice::tls
