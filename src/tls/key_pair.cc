#include "tls/key_pair.h"

#include <openssl/pem.h>

#include <algorithm>
#include <string_view>

#include "tls/error.h"

namespace sluice::tls {

namespace {

BioPtr reader_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask at the terminal.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

KeyPtr read_key(const PemText& pem) {
  bool encrypted = false;
  const BioPtr in = reader_of(pem.text);
  KeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, refuse_passphrase, &encrypted));
  if (encrypted) {
    ERR_clear_error();
    throw TlsError(pem.file +
                   ": the key is encrypted; write it without a passphrase (openssl pkey -in FILE -out NEW)");
  }
  if (key != nullptr) return key;
  const bool none = pem.text.find("PRIVATE KEY-----") == std::string::npos;
  const std::string why = last_error();
  throw TlsError(pem.file + (none ? ": there is no private key in it (PEM)"
                                  : ": the private key can't be read: " + why));
}

// The text of a name, in lower case; empty for what no client would ask for.
std::string dns_name(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  const auto odd = [](char c) { return c <= ' ' || c > '~'; };
  if (std::any_of(name.begin(), name.end(), odd)) return {};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

std::string text_of(const ASN1_TIME* time) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || ASN1_TIME_print(out.get(), time) != 1) return "a time that can't be read";
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::vector<X509Ptr> read_certificates(const PemText& pem) {
  const BioPtr in = reader_of(pem.text);
  std::vector<X509Ptr> found;
  while (X509Ptr next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)})
    found.push_back(std::move(next));
  // Nothing more to read is the usual end.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = last_error();
  if (!ended) throw TlsError(pem.file + ": a certificate can't be read: " + why);
  if (found.empty()) throw TlsError(pem.file + ": there is no certificate in it (PEM)");
  return found;
}

std::shared_ptr<const KeyPair> read_key_pair(const PemText& certificate, const PemText& key) {
  auto pair = std::make_shared<KeyPair>();
  pair->file = certificate.file;
  pair->chain = read_certificates(certificate);
  pair->leaf = std::move(pair->chain.front());
  pair->chain.erase(pair->chain.begin());
  pair->key = read_key(key);
  if (X509_check_private_key(pair->leaf.get(), pair->key.get()) != 1) {
    ERR_clear_error();
    throw TlsError(key.file + ": is not the key of the first certificate in " + certificate.file);
  }
  pair->names = names_of(*pair->leaf);
  // Whether a context will have it is known now, while there may be an older pair to keep.
  const SslCtxPtr trial(SSL_CTX_new(TLS_method()));
  if (trial == nullptr) throw TlsError("no TLS context: " + last_error());
  SSL_CTX_set_security_level(trial.get(), kSecurityLevel);
  use(*trial, *pair);
  return pair;
}

void use(SSL_CTX& context, const KeyPair& pair) {
  STACK_OF(X509)* const chain = sk_X509_new_null();
  for (const X509Ptr& link : pair.chain) sk_X509_push(chain, link.get());
  const bool taken = SSL_CTX_use_cert_and_key(&context, pair.leaf.get(), pair.key.get(), chain, 1) == 1;
  sk_X509_free(chain);
  if (!taken) throw TlsError(pair.file + ": can't be used: " + last_error());
}

std::vector<std::string> names_of(const X509& certificate) {
  std::vector<std::string> names;
  const auto add = [&](const ASN1_STRING* value) {
    std::string name = dns_name(value);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  auto* const alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* const entry = sk_GENERAL_NAME_value(alternatives, i);
    if (entry->type == GEN_DNS) add(entry->d.dNSName);
  }
  if (alternatives != nullptr) {
    GENERAL_NAMES_free(alternatives);
    return names;
  }
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return names;
}

std::string validity_warning(const X509& certificate, os::WallTime now) {
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  const ASN1_TIME* const from = X509_get0_notBefore(&certificate);
  const ASN1_TIME* const until = X509_get0_notAfter(&certificate);
  if (X509_cmp_time(until, &at) < 0) return "has expired on " + text_of(until);
  if (X509_cmp_time(from, &at) > 0) return "is not valid before " + text_of(from);
  return {};
}

std::string fingerprint(const X509& certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest, &size) != 1) return {};
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    if (i != 0) text += ':';
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

}  // namespace sluice::tls
