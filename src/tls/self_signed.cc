#include "tls/self_signed.h"

#include <openssl/rand.h>

#include <algorithm>
#include <chrono>

#include "os/process.h"
#include "tls/error.h"

namespace sluice::tls {

namespace {

constexpr std::chrono::days kValid{365};
constexpr std::chrono::hours kSkew{1};  // a client's clock may be behind

void require(bool done) {
  if (!done) throw TlsError("no self-signed certificate: " + last_error());
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

bool is_dns_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), fits);
}

void add_extension(X509& certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr);
  const bool added = X509_add_ext(&certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  require(added);
}

void set_random_serial(X509& certificate) {
  const BignumPtr serial(BN_new());
  require(serial != nullptr && BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
          BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&certificate)) != nullptr);
}

}  // namespace

std::shared_ptr<const KeyPair> make_self_signed(const std::vector<std::string>& names, os::WallTime now) {
  auto pair = std::make_shared<KeyPair>();
  pair->file = "the self-signed certificate";
  pair->key.reset(EVP_EC_gen("P-256"));
  pair->leaf.reset(X509_new());
  require(pair->key != nullptr && pair->leaf != nullptr);
  X509& certificate = *pair->leaf;
  set_random_serial(certificate);

  std::string alternatives;
  std::string first;
  for (const std::string& name : names) {
    const bool address = is_address(name);
    if (!address && !is_dns_name(name)) continue;
    alternatives += (alternatives.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
    if (first.empty()) first = name.substr(0, 64);  // as long as a common name may be
  }
  if (alternatives.empty()) throw TlsError("no self-signed certificate: no name for it");
  const std::time_t from = std::chrono::system_clock::to_time_t(now - kSkew);
  const std::time_t until = std::chrono::system_clock::to_time_t(now + kValid);
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  require(X509_set_version(&certificate, X509_VERSION_3) == 1 &&
          X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>(first.data()),
                                     static_cast<int>(first.size()), -1, 0) == 1 &&
          X509_set_issuer_name(&certificate, subject) == 1 &&
          ASN1_TIME_set(X509_getm_notBefore(&certificate), from) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(&certificate), until) != nullptr &&
          X509_set_pubkey(&certificate, pair->key.get()) == 1);
  add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, NID_ext_key_usage, "serverAuth");
  add_extension(certificate, NID_subject_key_identifier, "hash");
  add_extension(certificate, NID_subject_alt_name, alternatives);
  require(X509_sign(&certificate, pair->key.get(), EVP_sha256()) > 0);
  pair->names = names_of(certificate);
  return pair;
}

std::vector<std::string> names_of_this_machine() {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  if (const std::string own = os::host_name(); !own.empty() && own != names.front()) names.push_back(own);
  return names;
}

}  // namespace sluice::tls
