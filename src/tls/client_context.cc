#include "tls/client_context.h"

#include <openssl/crypto.h>

#include <atomic>

#include "tls/error.h"

namespace sluice::tls {

namespace {

// What an SSL carries of us.
struct Attached {
  std::shared_ptr<const ClientContext> context;
  std::shared_ptr<LastSession> last;
};

void free_attached(void*, void* attached, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Attached*>(attached);
}

int attached_index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_attached);
  return index;
}

void require(bool done, const char* what) {
  if (!done) throw TlsError(std::string(what) + ": " + last_error());
}

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// Called when a session can be gone on with: in TLS 1.3 for each ticket, behind the handshake.
int on_session(SSL* ssl, SSL_SESSION* session) noexcept {
  const auto* const attached = static_cast<Attached*>(SSL_get_ex_data(ssl, attached_index()));
  if (attached != nullptr && attached->last != nullptr) attached->last->keep(*attached->context, *session);
  return 0;  // `session` stays the library's
}

bool is_address(const std::string& host) noexcept {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

}  // namespace

// A copy each way: the library spoils the session of a connection that ends without close_notify.
void LastSession::keep(const ClientContext& from, const SSL_SESSION& session) noexcept {
  session_.reset(SSL_SESSION_dup(&session));
  made_by_ = from.id();
}

SessionPtr LastSession::copy(const ClientContext& wanted) const noexcept {
  if (session_ == nullptr || made_by_ != wanted.id() || SSL_SESSION_is_resumable(session_.get()) != 1)
    return nullptr;
  return SessionPtr(SSL_SESSION_dup(session_.get()));
}

std::shared_ptr<const ClientContext> ClientContext::make(Parts parts) {
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(parts)));
}

// Ciphers are the library's own: servers behind a proxy are sometimes old, and the operator knows them.
ClientContext::ClientContext(Parts parts)
    : parts_(std::move(parts)), id_(next_id()), context_(SSL_CTX_new(TLS_client_method())) {
  require(context_ != nullptr, "no TLS context");
  SSL_CTX* const context = context_.get();
  require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "TLS 1.2");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  SSL_CTX_set_verify(context, parts_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (parts_.verify && parts_.authorities != nullptr) {
    for (const X509Ptr& authority : parts_.authorities->certificates)
      require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1, "ca");
  } else if (parts_.verify) {
    require(SSL_CTX_set_default_verify_paths(context) == 1, "the system's certificate authorities");
  }
  if (parts_.own != nullptr) use(*context, *parts_.own);
  if (!parts_.alpn.empty()) {
    const std::string list = static_cast<char>(parts_.alpn.size()) + parts_.alpn;
    require(SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(list.data()),
                                    static_cast<unsigned int>(list.size())) ==
                0,  // the one that says 0 for success
            "ALPN");
  }
}

SslPtr ClientContext::new_connection(const std::string& host, std::shared_ptr<LastSession> last) const {
  const std::string& name = parts_.name.empty() ? host : parts_.name;
  SslPtr made(SSL_new(context_.get()));
  if (made == nullptr) return nullptr;
  SSL* const ssl = made.get();
  if (is_address(name)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) != 1) return nullptr;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl, name.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
      return nullptr;
  }
  if (last != nullptr) {
    if (const SessionPtr session = last->copy(*this); session != nullptr) SSL_set_session(ssl, session.get());
  }
  auto attached =
      std::make_unique<Attached>(Attached{.context = shared_from_this(), .last = std::move(last)});
  if (SSL_set_ex_data(ssl, attached_index(), attached.get()) != 1) return nullptr;
  (void)attached.release();  // free_attached() has it now
  SSL_set_connect_state(ssl);
  return made;
}

std::string distrust(const SSL& ssl) {
  const long result = SSL_get_verify_result(&ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

}  // namespace sluice::tls
