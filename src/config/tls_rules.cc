// What TLS sections must keep to: whatever is asked for can be done with what is given.
#include "config/rules.h"
#include "config/server.h"
#include "os/address.h"

namespace sluice::config {
namespace {

void check_certificates(const std::string& place, const ListenerTls& tls, Mistakes& mistakes) {
  if (tls.certificates.empty() && !tls.self_signed) {
    mistakes.add(place + ".certificates",
                 R"(missing: write "certificates": [{"certificate": "a.pem", "key": "a.key"}], or )"
                 R"("self_signed": true to try things out)");
  }
  if (!tls.certificates.empty() && tls.self_signed) {
    mistakes.add(place + ".self_signed", "there are certificates already: keep one or the other");
  }
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    const Certificate& c = tls.certificates[i];
    const std::string where = place_at(place + ".certificates", i);
    if (c.certificate.empty()) {
      mistakes.add(where + ".certificate",
                   "missing: write the name of a PEM file with the certificate chain");
    }
    if (c.key.empty()) {
      mistakes.add(where + ".key",
                   "missing: write the name of the PEM file with the certificate's private key");
    }
  }
}

}  // namespace

void check_listener_tls(const std::string& place, const Listener& listener, Mistakes& mistakes) {
  const ListenerTls& tls = *listener.tls;
  check_certificates(place, tls, mistakes);
  if (tls.client_certificates != ClientCertificates::kOff && tls.client_ca.empty()) {
    mistakes.add(place + ".client_ca",
                 "missing: clients' certificates are verified against it; write the name of a PEM file");
  }
  if (tls.client_certificates == ClientCertificates::kOff && !tls.client_ca.empty()) {
    mistakes.add(place + ".client_ca",
                 R"(nobody asks for certificates: add "client_certificates": "required" or "optional")");
  }
  if (listener.protocol != Protocol::kHttp && tls.hsts.count() != 0) {
    mistakes.add(place + ".hsts", "is a header of http, and this is no http listener: leave it out");
  }
}

void check_upstream_tls(const std::string& place, const UpstreamTls& tls, Mistakes& mistakes) {
  if (!tls.verify && !tls.ca.empty()) {
    mistakes.add(place + ".ca", R"(nothing is verified against it: remove it, or "verify": false)");
  }
  if (!tls.certificate.empty() && tls.key.empty()) {
    mistakes.add(place + ".key", "missing: the certificate is of no use without its private key");
  }
  if (tls.certificate.empty() && !tls.key.empty()) {
    mistakes.add(place + ".certificate", "missing: the key is of no use without its certificate");
  }
  const bool address = os::Address::parse(tls.name + ":0") || os::Address::parse("[" + tls.name + "]:0");
  if (!tls.name.empty() && !address && !is_host_name(tls.name)) {
    mistakes.add(place + ".name",
                 in_quotes(tls.name) + R"( is no host: write a name such as "a.example", without port)");
  }
}

}  // namespace sluice::config
