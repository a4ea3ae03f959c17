#include "config/read_tls.h"

#include <nlohmann/json.hpp>

#include "config/keys.h"
#include "config/names.h"

namespace sluice::config {
namespace {

using nlohmann::json;

Certificate read_certificate(const json& value, const std::string& place, const ReadContext& context) {
  Certificate certificate;
  ObjectReader reader(value, place, kCertificateSection, context.mistakes);
  context.file(reader, "certificate", certificate.certificate);
  context.file(reader, "key", certificate.key);
  context.file(reader, "ocsp", certificate.ocsp);
  return certificate;
}

}  // namespace

ListenerTls read_listener_tls(const json& value, const std::string& place, const ReadContext& context) {
  ListenerTls tls;
  if (value.is_boolean()) {  // as upstreams may write it, but a listener needs a certificate
    context.mistakes.add(
        place, R"(expected an object {"certificates": [{"certificate": "a.pem", "key": "a.key"}]}, or )"
               R"({"self_signed": true} to try things out, not )" +
                   std::string(kind_of(value)));
    return tls;
  }
  ObjectReader reader(value, place, kListenerTlsSection, context.mistakes);
  context.for_each(reader.find("certificates"), reader.place_of("certificates"),
                   [&](const json& element, const std::string& where) {
                     tls.certificates.push_back(read_certificate(element, where, context));
                   });
  reader.flag("self_signed", tls.self_signed);
  reader.choice("min_version", tls.min_version, kTlsVersionNames);
  reader.choice("client_certificates", tls.client_certificates, kClientCertificatesNames);
  context.file(reader, "client_ca", tls.client_ca);
  reader.choice("ktls", tls.ktls, kKernelTlsNames);
  reader.flag("http2", tls.http2);
  milliseconds hsts = tls.hsts;
  reader.duration("hsts", hsts);
  tls.hsts = std::chrono::duration_cast<std::chrono::seconds>(hsts);
  if (tls.hsts != hsts) reader.mistake("hsts", "the header says whole seconds: write \"1s\" or more");
  reader.duration("ticket_rotation", tls.ticket_rotation);
  return tls;
}

std::optional<UpstreamTls> read_upstream_tls(const json& value, const std::string& place,
                                             const ReadContext& context) {
  if (value.is_boolean()) return value.get<bool>() ? std::optional(UpstreamTls{}) : std::nullopt;
  UpstreamTls tls;
  ObjectReader reader(value, place, kUpstreamTlsSection, context.mistakes);
  reader.flag("verify", tls.verify);
  context.file(reader, "ca", tls.ca);
  reader.text("name", tls.name);
  context.file(reader, "certificate", tls.certificate);
  context.file(reader, "key", tls.key);
  return tls;
}

}  // namespace sluice::config
