#include "tls/staple.h"

#include <chrono>

#include "tls/error.h"

namespace sluice::tls {

namespace {

// What a response says about one certificate; borrowed from it.
struct Said {
  int status = -1;  // V_OCSP_CERTSTATUS_...
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;  // may be null
};

// The issuer is compared by its name's digest; its key is not at hand where the chain's file ends before it.
bool is_about(const OCSP_CERTID* id, const X509& certificate) {
  ASN1_OCTET_STRING* name_digest = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(&name_digest, &algorithm, nullptr, &serial, const_cast<OCSP_CERTID*>(id));
  if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(&certificate)) != 0) return false;
  const EVP_MD* const kind = EVP_get_digestbyobj(algorithm);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (kind == nullptr || X509_NAME_digest(X509_get_issuer_name(&certificate), kind, digest, &size) != 1)
    return false;
  const std::string_view wanted(reinterpret_cast<const char*>(digest), size);
  const std::string_view found(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name_digest)),
                               static_cast<std::size_t>(ASN1_STRING_length(name_digest)));
  return wanted == found;
}

std::optional<Said> about(const Staple& staple, const X509& certificate) {
  OCSP_BASICRESP* const response = staple.response.get();
  for (int i = 0; i < OCSP_resp_count(response); ++i) {
    OCSP_SINGLERESP* const single = OCSP_resp_get0(response, i);
    if (!is_about(OCSP_SINGLERESP_get0_id(single), certificate)) continue;
    Said said;
    said.status = OCSP_single_get0_status(single, nullptr, nullptr, &said.this_update, &said.next_update);
    return said;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const Staple> read_staple(const std::string& file, std::string der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const OcspPtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (response == nullptr) throw TlsError(file + ": is no OCSP response (DER): " + last_error());
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    throw TlsError(file + ": the issuer's answer is \"" + OCSP_response_status_str(status) + '"');
  }
  auto staple = std::make_shared<Staple>();
  staple->response.reset(OCSP_response_get1_basic(response.get()));
  if (staple->response == nullptr)
    throw TlsError(file + ": is no OCSP response that can be read: " + last_error());
  staple->file = file;
  staple->der = std::move(der);
  return staple;
}

std::string unfit(const Staple& staple, const X509& certificate, os::WallTime now) {
  const auto said = about(staple, certificate);
  if (!said) return "is about another certificate";
  if (said->status != V_OCSP_CERTSTATUS_GOOD)
    return std::string("says that the certificate is ") + OCSP_cert_status_str(said->status);
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  constexpr std::time_t kSkew = 300;  // the issuer's clock may be a little ahead
  std::time_t later = at + kSkew;
  if (X509_cmp_time(said->this_update, &later) > 0) return "is not valid yet";
  if (said->next_update != nullptr && X509_cmp_time(said->next_update, &at) < 0) return "has expired";
  return {};
}

std::optional<os::WallTime> good_until(const Staple& staple, const X509& certificate) {
  const auto said = about(staple, certificate);
  if (!said || said->next_update == nullptr) return std::nullopt;
  std::tm parts{};
  if (ASN1_TIME_to_tm(said->next_update, &parts) != 1) return std::nullopt;
  // ASN.1 says UTC; the library's calendar needs no time zone.
  const std::chrono::sys_days day = std::chrono::year(parts.tm_year + 1900) /
                                    std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)) /
                                    std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  return day + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

}  // namespace sluice::tls
