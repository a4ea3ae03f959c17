#include "tls/established.h"

#include "tls/server_context.h"

namespace sluice::tls {

std::string_view version_of(const SSL& ssl) noexcept { return SSL_get_version(&ssl); }

std::string_view protocol_of(const SSL& ssl) noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(&ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view server_name_of(const SSL& ssl) noexcept {
  const char* const name = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : name;
}

const X509* client_certificate(const SSL& ssl) noexcept { return SSL_get0_peer_certificate(&ssl); }

std::string client_cert_value(const X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(&certificate, &der);
  if (size <= 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(static_cast<std::size_t>((size + 2) / 3 * 4) + 1,
                   '\0');  // and the 0 that EVP_EncodeBlock writes
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), der, size);
  OPENSSL_free(der);
  text.resize(static_cast<std::size_t>(written));
  return ':' + text + ':';
}

std::string subject_text(const X509& certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr ||
      X509_NAME_print_ex(out.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253) < 0) {
    ERR_clear_error();
    return {};
  }
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void count_handshake(const SSL& ssl, bool done, observe::Counters& counters) noexcept {
  if (!done) return counters.tls_failed.add();
  counters.tls_handshakes.add();
  if (SSL_session_reused(&ssl) == 1) counters.tls_resumed.add();
  (SSL_version(&ssl) == TLS1_3_VERSION ? counters.tls_1_3 : counters.tls_1_2).add();
  if (client_certificate(ssl) != nullptr) counters.tls_client_certificates.add();
  switch (stapled(ssl)) {
    case Stapled::kNotAsked:
      break;
    case Stapled::kMissing:
      counters.tls_ocsp_missing.add();
      break;
    case Stapled::kDone:
      counters.tls_ocsp_stapled.add();
      break;
  }
}

}  // namespace sluice::tls
