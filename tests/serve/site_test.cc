#include "serve/site.h"

#include "catch.h"

namespace sluice::serve {
namespace {

config::Listener https(const std::string& address) {
  return {.listen = address, .tls = config::ListenerTls{.self_signed = true}};
}

TEST_CASE("a redirect goes to the port of the first https listener, 443 before others", "[serve]") {
  const config::Listener plain{.listen = ":80", .redirect_https = true};
  config::Listener tcp = https(":9000");
  tcp.protocol = config::Protocol::kTcp;
  CHECK(https_port_of({plain, https(":8443"), https(":9443")}) == 8443);
  CHECK(https_port_of({plain, tcp, https("[::1]:8443"), https("127.0.0.1:443")}) == 443);
  CHECK(https_port_of({plain, https("127.0.0.1:0"), https(":8443")}) == 8443);
  CHECK(https_port_of({plain, tcp}) == 443);  // TLS ends in front of us
}

}  // namespace
}  // namespace sluice::serve
