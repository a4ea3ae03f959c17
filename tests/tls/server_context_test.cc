#include "tls/server_context.h"

#include "catch.h"
#include "tls/certificates.h"
#include "tls/error.h"
#include "tls/established.h"
#include "tls/handshake.h"

using namespace sluice;
using namespace sluice::tls;
using namespace sluice::testing;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<TicketKeys> ring() { return std::make_shared<TicketKeys>(12h, os::now()); }

ServerContext::Parts parts_of(std::vector<std::shared_ptr<const KeyPair>> pairs) {
  ServerContext::Parts parts;
  for (auto& pair : pairs) parts.certificates.push_back({.pair = std::move(pair), .staple = nullptr});
  parts.tickets = ring();
  return parts;
}

// A client as others write them: the library's own defaults.
struct Client {
  SslCtxPtr context{SSL_CTX_new(TLS_client_method())};
  SslPtr ssl{SSL_new(context.get())};

  explicit Client(const char* name = nullptr) {
    if (name != nullptr) SSL_set_tlsext_host_name(ssl.get(), name);
    SSL_set_connect_state(ssl.get());
  }
};

// The common name of the certificate that a client gets.
std::string shown(const Handshake& handshake) {
  X509* const certificate = SSL_get0_peer_certificate(handshake.client.get());
  if (certificate == nullptr) return "nothing";
  char name[80] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string shown_for(const ServerContext& context, const char* name, const char* signatures = nullptr) {
  Client client(name);
  if (signatures != nullptr) SSL_set1_sigalgs_list(client.ssl.get(), signatures);
  return shown(shake(context.new_connection(), std::move(client.ssl)));
}

}  // namespace

TEST_CASE("the name a client asks for picks the certificate", "[tls]") {
  const auto context = ServerContext::make(parts_of({
      pair_of(make({.common_name = "first", .alternatives = "DNS:first.example"})),
      pair_of(make({.common_name = "exact", .alternatives = "DNS:www.a.example,DNS:Upper.a.example"})),
      pair_of(make({.common_name = "wildcard", .alternatives = "DNS:*.a.example"})),
      pair_of(make({.common_name = "cn.example"})),
      pair_of(make({.common_name = "hidden.example", .alternatives = "DNS:seen.example"})),
  }));
  CHECK(shown_for(*context, "www.a.example") == "exact");
  CHECK(shown_for(*context, "WWW.A.Example") == "exact");
  CHECK(shown_for(*context, "upper.a.example") == "exact");
  CHECK(shown_for(*context, "other.a.example") == "wildcard");
  CHECK(shown_for(*context, "deep.other.a.example") == "first");  // one label only
  CHECK(shown_for(*context, "a.example") == "first");
  CHECK(shown_for(*context, "cn.example") == "cn.example");
  CHECK(shown_for(*context, "seen.example") == "hidden.example");
  CHECK(shown_for(*context, "hidden.example") ==
        "first");  // there are alternatives: the common name is no name
  CHECK(shown_for(*context, "unknown.example") == "first");
  CHECK(shown_for(*context, nullptr) == "first");
}

TEST_CASE("of certificates with the same name each client gets one whose key it knows", "[tls]") {
  const auto context = ServerContext::make(parts_of({
      pair_of(make({.common_name = "rsa", .alternatives = "DNS:a.example", .rsa = true})),
      pair_of(make({.common_name = "ecdsa", .alternatives = "DNS:a.example,DNS:b.example"})),
      pair_of(make({.common_name = "second ecdsa", .alternatives = "DNS:a.example"})),
  }));
  const char* const name = GENERATE("a.example", static_cast<const char*>(nullptr));
  CHECK(shown_for(*context, name) == "ecdsa");
  CHECK(shown_for(*context, name, "ECDSA+SHA256") == "ecdsa");
  CHECK(shown_for(*context, name, "RSA-PSS+SHA256:RSA+SHA256") == "rsa");
  CHECK(shown_for(*context, "b.example", "RSA-PSS+SHA256:RSA+SHA256") == "nothing");  // it has no other

  Client old("a.example");
  SSL_set_max_proto_version(old.ssl.get(), TLS1_2_VERSION);
  SSL_set_cipher_list(old.ssl.get(), "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256");
  CHECK(shown(shake(context->new_connection(), std::move(old.ssl))) == "ecdsa");
}

TEST_CASE("ALPN: our order, and an alert where nothing is in common", "[tls]") {
  auto parts = parts_of({pair_of(make({}))});
  parts.alpn = {"h2", "http/1.1"};
  const auto context = ServerContext::make(parts);
  const auto chosen = [&](std::string_view offer) -> std::string {
    Client client;
    if (!offer.empty()) {
      SSL_set_alpn_protos(client.ssl.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                          static_cast<unsigned int>(offer.size()));
    }
    const Handshake handshake = shake(context->new_connection(), std::move(client.ssl));
    if (!handshake.done) return handshake.client_error;
    return std::string(protocol_of(*handshake.server));
  };
  CHECK(chosen("\x08http/1.1\x02h2") == "h2");
  CHECK(chosen("\x08http/1.1") == "http/1.1");
  CHECK(chosen("\x02h3\x08http/1.1") == "http/1.1");
  CHECK(chosen("") == "");
  CHECK(chosen("\x02h3").find("no application protocol") != std::string::npos);

  parts.alpn.clear();  // what goes on to another server is not ours to understand
  const auto tunnel = ServerContext::make(parts);
  Client client;
  SSL_set_alpn_protos(client.ssl.get(), reinterpret_cast<const unsigned char*>("\x02h3"), 3);
  CHECK(shake(tunnel->new_connection(), std::move(client.ssl)).done);
}

TEST_CASE("old versions and weak ciphers are refused", "[tls]") {
  auto parts = parts_of({pair_of(make({.rsa = true}))});
  const auto context = ServerContext::make(parts);
  const auto tried = [&](int version, const char* ciphers) {
    Client client;
    SSL_set_security_level(client.ssl.get(), 0);
    SSL_set_min_proto_version(client.ssl.get(), version);
    SSL_set_max_proto_version(client.ssl.get(), version);
    if (ciphers != nullptr) SSL_set_cipher_list(client.ssl.get(), ciphers);
    return shake(context->new_connection(), std::move(client.ssl)).done;
  };
  CHECK(tried(TLS1_3_VERSION, nullptr));
  CHECK(tried(TLS1_2_VERSION, nullptr));
  CHECK_FALSE(tried(TLS1_1_VERSION, nullptr));
  CHECK_FALSE(tried(TLS1_VERSION, nullptr));
  CHECK(tried(TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305"));
  CHECK_FALSE(tried(TLS1_2_VERSION, "AES128-GCM-SHA256"));        // no forward secrecy
  CHECK_FALSE(tried(TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256"));  // CBC
  CHECK_FALSE(tried(TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256"));

  parts.min_version = config::TlsVersion::k13;
  const auto newest = ServerContext::make(parts);
  Client client;
  SSL_set_max_proto_version(client.ssl.get(), TLS1_2_VERSION);
  CHECK_FALSE(shake(newest->new_connection(), std::move(client.ssl)).done);
}

TEST_CASE("the status of a certificate is stapled to it, and to no other", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const Made good =
      make({.common_name = "good", .alternatives = "DNS:good.example", .signed_by = &authority});
  const Made bare =
      make({.common_name = "bare", .alternatives = "DNS:bare.example", .signed_by = &authority});
  auto parts = parts_of({pair_of(bare), pair_of(good)});
  const std::string der = ocsp_answer(good, authority);
  parts.certificates[1].staple = read_staple("good.der", der);
  REQUIRE(unfit(*parts.certificates[1].staple, *good.certificate, os::wall_now()).empty());
  const auto context = ServerContext::make(parts);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto asked = [&](const char* name, bool ask) {
    Client client(name);
    SSL_set_max_proto_version(client.ssl.get(), version);
    if (ask) SSL_set_tlsext_status_type(client.ssl.get(), TLSEXT_STATUSTYPE_ocsp);
    return shake(context->new_connection(), std::move(client.ssl));
  };
  const auto got = [](const Handshake& handshake) {
    const unsigned char* response = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(handshake.client.get(), &response);
    return std::string(reinterpret_cast<const char*>(response),
                       size < 0 ? 0 : static_cast<std::size_t>(size));
  };
  const Handshake with = asked("good.example", true);
  REQUIRE(with.done);
  CHECK(got(with) == der);
  CHECK(stapled(*with.server) == Stapled::kDone);
  const Handshake without = asked("bare.example", true);
  REQUIRE(without.done);
  CHECK(got(without).empty());
  CHECK(stapled(*without.server) == Stapled::kMissing);
  const Handshake silent = asked("good.example", false);
  REQUIRE(silent.done);
  CHECK(stapled(*silent.server) == Stapled::kNotAsked);
}

TEST_CASE("client certificates: optional, required, told", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const Made stranger = make({.common_name = "stranger", .authority = true});
  const Made ann = make({.common_name = "J\xc3\xb6rg + \"x\"", .signed_by = &authority});
  const Made eve = make({.common_name = "eve", .signed_by = &stranger});
  auto parts = parts_of({pair_of(make({}))});
  parts.client_ca = read_authorities({"ca.pem", authority.certificate_pem()});
  const auto visit = [&](const ServerContext& context, const Made* who) {
    Client client;
    if (who != nullptr) {
      SSL_use_certificate(client.ssl.get(), who->certificate.get());
      SSL_use_PrivateKey(client.ssl.get(), who->key.get());
    }
    return shake(context.new_connection(), std::move(client.ssl));
  };
  parts.client_certificates = config::ClientCertificates::kOptional;
  const auto optional = ServerContext::make(parts);
  const Handshake nobody = visit(*optional, nullptr);
  REQUIRE(nobody.done);
  CHECK(client_certificate(*nobody.server) == nullptr);
  CHECK_FALSE(visit(*optional, &eve).done);
  const Handshake known = visit(*optional, &ann);
  REQUIRE(known.done);
  const X509* const seen = client_certificate(*known.server);
  REQUIRE(seen != nullptr);
  CHECK(X509_cmp(seen, ann.certificate.get()) == 0);
  CHECK(subject_text(*seen) == "CN=J\\C3\\B6rg \\+ \\\"x\\\",O=Example\\, Inc.");
  const std::string value = client_cert_value(*seen);
  REQUIRE(value.size() > 2);
  CHECK((value.front() == ':' && value.back() == ':'));
  std::string pem;  // the same without line ends and head
  for (const char c : ann.certificate_pem()) {
    if (c != '\n') pem += c;
  }
  CHECK(pem ==
        "-----BEGIN CERTIFICATE-----" + value.substr(1, value.size() - 2) + "-----END CERTIFICATE-----");

  parts.client_certificates = config::ClientCertificates::kRequired;
  const auto required = ServerContext::make(parts);
  CHECK_FALSE(visit(*required, nullptr).done);
  CHECK_FALSE(visit(*required, &eve).done);
  CHECK(visit(*required, &ann).done);

  SECTION("a session without a certificate is of no use where one is required") {
    Client first;
    SSL_set_max_proto_version(first.ssl.get(), TLS1_2_VERSION);
    Handshake before = shake(optional->new_connection(), std::move(first.ssl));
    REQUIRE(before.done);
    const SessionPtr session(SSL_get1_session(before.client.get()));
    Client again;
    SSL_set_max_proto_version(again.ssl.get(), TLS1_2_VERSION);
    SSL_set_session(again.ssl.get(), session.get());
    CHECK_FALSE(shake(required->new_connection(), std::move(again.ssl)).done);
  }
}

TEST_CASE("sessions go on over contexts that share their ticket keys", "[tls]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  auto parts = parts_of({pair_of(make({.alternatives = "DNS:a.example"}))});
  const auto one = ServerContext::make(parts);
  parts.certificates = parts_of({pair_of(make({.alternatives = "DNS:a.example"}))}).certificates;
  const auto other = ServerContext::make(parts);  // after a reload with a new certificate
  parts.tickets = ring();
  const auto stranger = ServerContext::make(parts);

  // The tickets of TLS 1.3 come behind the handshake.
  static SSL_SESSION* got = nullptr;
  Client first("a.example");
  SSL_CTX_set_session_cache_mode(first.context.get(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(first.context.get(), [](SSL*, SSL_SESSION* session) {
    SSL_SESSION_free(got);
    got = SSL_SESSION_dup(
        session);  // the library spoils the one of a connection that ends without close_notify
    return 0;
  });
  const auto visit = [&](const ServerContext& context) {
    Client client("a.example");
    client.ssl.reset(SSL_new(first.context.get()));
    SSL_set_tlsext_host_name(client.ssl.get(), "a.example");
    SSL_set_connect_state(client.ssl.get());
    SSL_set_max_proto_version(client.ssl.get(), version);
    if (got != nullptr) SSL_set_session(client.ssl.get(), SessionPtr(SSL_SESSION_dup(got)).get());
    const Handshake handshake = shake(context.new_connection(), std::move(client.ssl));
    observe::Counters counters;
    count_handshake(*handshake.server, handshake.done, counters);
    CHECK(counters.tls_handshakes.read() == 1);
    CHECK((version == TLS1_3_VERSION ? counters.tls_1_3 : counters.tls_1_2).read() == 1);
    return counters.tls_resumed.read() == 1;
  };
  CHECK_FALSE(visit(*one));
  REQUIRE(got != nullptr);
  CHECK(visit(*one));
  CHECK(visit(*other));
  CHECK_FALSE(visit(*stranger));
  SSL_SESSION_free(got);
  got = nullptr;
}

TEST_CASE("a connection outlives the configuration it came from", "[tls]") {
  auto context = ServerContext::make(parts_of({pair_of(make({}))}));
  const std::weak_ptr<const ServerContext> watched = context;
  SslPtr server = context->new_connection();
  context.reset();
  CHECK_FALSE(watched.expired());
  CHECK(shake(std::move(server), std::move(Client().ssl)).done);
  CHECK(watched.expired());
}
