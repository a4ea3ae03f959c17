#include "tls/certificates.h"

#include <cstring>
#include <stdexcept>

namespace sluice::testing {

using namespace tls;

namespace {

void require(bool done) {
  if (!done) throw std::runtime_error("test certificate: " + last_error());
}

std::string text_of(BIO& memory) {
  const char* text = nullptr;
  const long size = BIO_get_mem_data(&memory, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::time_t in(std::chrono::seconds from_now) {
  return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
}

void extend(X509& certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

}  // namespace

std::string Made::certificate_pem() const {
  const BioPtr out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), certificate.get()) == 1);
  return text_of(*out);
}

std::string Made::key_pem(const char* passphrase) const {
  const BioPtr out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PKCS8PrivateKey(
              out.get(), key.get(), passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), passphrase,
              passphrase == nullptr ? 0 : static_cast<int>(std::strlen(passphrase)), nullptr, nullptr) == 1);
  return text_of(*out);
}

Made make(const Wanted& wanted) {
  static long serial = 1000;
  Made made{.certificate = X509Ptr(X509_new()),
            .key = KeyPtr(wanted.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"))};
  require(made.key != nullptr);
  X509& certificate = *made.certificate;
  const Made& issuer = wanted.signed_by == nullptr ? made : *wanted.signed_by;
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  require(X509_set_version(&certificate, X509_VERSION_3) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(&certificate), ++serial) == 1 &&
          X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>("Example, Inc."), -1, -1,
                                     0) == 1 &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()), -1,
                                     -1, 0) == 1 &&
          X509_set_issuer_name(&certificate, X509_get_subject_name(issuer.certificate.get())) == 1 &&
          ASN1_TIME_set(X509_getm_notBefore(&certificate), in(wanted.from)) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(&certificate), in(wanted.until)) != nullptr &&
          X509_set_pubkey(&certificate, made.key.get()) == 1);
  extend(certificate, NID_basic_constraints, wanted.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!wanted.alternatives.empty()) extend(certificate, NID_subject_alt_name, wanted.alternatives);
  require(X509_sign(&certificate, issuer.key.get(), EVP_sha256()) > 0);
  return made;
}

std::shared_ptr<const KeyPair> pair_of(const Made& made) {
  return read_key_pair({"site.pem", made.certificate_pem()}, {"site.key", made.key_pem()});
}

std::string ocsp_answer(const Made& subject, const Made& issuer, const Answer& answer) {
  const OcspBasicPtr basic(OCSP_BASICRESP_new());
  OCSP_CERTID* const id = OCSP_cert_to_id(nullptr, subject.certificate.get(), issuer.certificate.get());
  ASN1_TIME* const from = ASN1_TIME_set(nullptr, in(answer.from));
  ASN1_TIME* const until = ASN1_TIME_set(nullptr, in(answer.until));
  const bool revoked = answer.status == V_OCSP_CERTSTATUS_REVOKED;
  require(OCSP_basic_add1_status(basic.get(), id, answer.status, 0, revoked ? from : nullptr, from, until) !=
              nullptr &&
          OCSP_basic_sign(basic.get(), issuer.certificate.get(), issuer.key.get(), EVP_sha256(), nullptr,
                          0) == 1);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  OCSP_CERTID_free(id);
  const OcspPtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  require(size > 0);
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

}  // namespace sluice::testing
