#include "tls/client_context.h"

#include "catch.h"
#include "tls/certificates.h"
#include "tls/established.h"
#include "tls/handshake.h"

using namespace sluice;
using namespace sluice::tls;
using namespace sluice::testing;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const Authorities> trust(const Made& authority) {
  return read_authorities({"ca.pem", authority.certificate_pem()});
}

// A server with one certificate.
std::shared_ptr<const ServerContext> server_with(const Made& made, const Made* client_ca = nullptr) {
  ServerContext::Parts parts;
  parts.certificates.push_back({.pair = pair_of(made), .staple = nullptr});
  parts.tickets = std::make_shared<TicketKeys>(12h, os::now());
  parts.alpn = {"h2", "http/1.1"};
  if (client_ca != nullptr) {
    parts.client_certificates = config::ClientCertificates::kRequired;
    parts.client_ca = trust(*client_ca);
  }
  return ServerContext::make(parts);
}

}  // namespace

TEST_CASE("a server is believed by its authority and its name", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const Made stranger = make({.common_name = "stranger", .authority = true});
  const auto server = server_with(
      make({.alternatives = "DNS:a.example,DNS:*.w.example,IP:127.0.0.1,IP:::1", .signed_by = &authority}));
  const auto visit = [&](ClientContext::Parts parts, const std::string& host) {
    const auto context = ClientContext::make(std::move(parts));
    return shake(server->new_connection(), context->new_connection(host, nullptr));
  };
  const auto trusted = trust(authority);
  const auto believes = [&](const std::string& host) { return visit({.authorities = trusted}, host).done; };
  CHECK(believes("a.example"));
  CHECK(believes("x.w.example"));
  CHECK(believes("127.0.0.1"));
  CHECK(believes("::1"));
  CHECK_FALSE(believes("b.example"));
  CHECK_FALSE(believes("x.y.w.example"));
  CHECK_FALSE(believes("127.0.0.2"));
  CHECK(visit({.authorities = trusted, .name = "a.example"}, "10.0.0.1").done);
  CHECK_FALSE(visit({.authorities = trusted, .name = "b.example"}, "a.example").done);
  CHECK_FALSE(visit({.authorities = trust(stranger)}, "a.example").done);
  CHECK_FALSE(visit({}, "a.example").done);  // the system's
  CHECK(visit({.verify = false}, "b.example").done);

  const Handshake wrong = visit({.authorities = trusted}, "b.example");
  CHECK(distrust(*wrong.client) == "hostname mismatch");
  CHECK(distrust(*visit({.authorities = trusted}, "127.0.0.2").client) == "IP address mismatch");

  // An address is no server name (RFC 6066).
  CHECK(server_name_of(*visit({.verify = false}, "a.example").server) == "a.example");
  CHECK(server_name_of(*visit({.verify = false}, "127.0.0.1").server).empty());
  CHECK(server_name_of(*visit({.verify = false}, "::1").server).empty());
}

TEST_CASE("an upstream's protocol is all that is offered", "[tls]") {
  const auto server = server_with(make({}));
  const auto spoken = [&](const char* alpn) {
    const auto context = ClientContext::make({.verify = false, .alpn = alpn});
    return std::string(
        protocol_of(*shake(server->new_connection(), context->new_connection("a", nullptr)).client));
  };
  CHECK(spoken("h2") == "h2");
  CHECK(spoken("http/1.1") == "http/1.1");
  CHECK(spoken("") == "");
}

TEST_CASE("our own certificate is shown where a server asks", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const auto server = server_with(make({}), &authority);
  const Made own = make({.common_name = "proxy", .signed_by = &authority});
  const auto with = ClientContext::make({.verify = false, .own = pair_of(own)});
  const Handshake known = shake(server->new_connection(), with->new_connection("a", nullptr));
  REQUIRE(known.done);
  CHECK(X509_cmp(client_certificate(*known.server), own.certificate.get()) == 0);
  const auto without = ClientContext::make({.verify = false});
  CHECK_FALSE(shake(server->new_connection(), without->new_connection("a", nullptr)).server_error.empty());
}

TEST_CASE("the last session of a server is gone on with, by those who asked the same of it", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const auto server = server_with(make({.alternatives = "DNS:a.example", .signed_by = &authority}));
  const auto context = ClientContext::make({.authorities = trust(authority)});
  const auto last = std::make_shared<LastSession>();
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto resumed = [&](const ClientContext& as) {
    SslPtr client = as.new_connection("a.example", last);
    SSL_set_max_proto_version(client.get(), version);
    const Handshake handshake = shake(server->new_connection(), std::move(client));
    REQUIRE(handshake.done);
    return SSL_session_reused(handshake.client.get()) == 1;
  };
  CHECK_FALSE(resumed(*context));
  CHECK(resumed(*context));
  CHECK(resumed(*context));  // though the connections before it just ended
  // One that verified nothing must not vouch for one that does.
  const auto careless = ClientContext::make({.verify = false});
  CHECK_FALSE(resumed(*careless));
  CHECK(resumed(*careless));
  CHECK_FALSE(resumed(*context));
}
