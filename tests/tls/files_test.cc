// Keys, certificates and staples from files: what is taken, what is refused in which words, what stays.
#include <filesystem>

#include "catch.h"
#include "scratch_directory.h"
#include "tls/certificates.h"
#include "tls/error.h"
#include "tls/self_signed.h"
#include "tls/store.h"

using namespace sluice;
using namespace sluice::tls;
using namespace sluice::testing;
using namespace std::chrono_literals;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A store on files in a scratch directory, with one listener.
struct Shop {
  ScratchDirectory files;
  std::vector<std::string> warnings;
  observe::Counters counters;
  Store store{[this](const std::string& message) { warnings.push_back(message); }, counters};
  config::Config config;
  std::shared_ptr<const Contexts> contexts;
  int time = 1'700'000'000;

  Shop() {
    config.listeners.push_back({.listen = ":443", .tls = config::ListenerTls{}});
    tls().certificates.push_back({.certificate = files / "site.pem", .key = files / "site.key"});
  }
  config::ListenerTls& tls() { return *config.listeners.front().tls; }

  // Each file with a time of its own: a test is quicker than a file system's clock.
  void put(const std::string& name, const std::string& text) {
    files.write(name, text);
    std::filesystem::last_write_time(files / name,
                                     std::filesystem::file_time_type::clock::from_sys(
                                         std::chrono::sys_seconds(std::chrono::seconds(++time))));
  }
  void put(const Made& made) {
    put("site.pem", made.certificate_pem());
    put("site.key", made.key_pem());
  }
  // Whether the contexts are new.
  bool load() {
    const auto before = contexts;
    contexts = store.load(config, before);
    return contexts != before;
  }
  [[nodiscard]] const KeyPair& pair() const {
    return *contexts->listener(":443")->parts().certificates.front().pair;
  }
};

}  // namespace

TEST_CASE("a key pair that can't be is refused in one sentence", "[tls]") {
  const Made made = make({});
  const Made other = make({});
  const std::string certificate = made.certificate_pem();
  const auto read = [](const std::string& first, const std::string& second) {
    return read_key_pair({"a.pem", first}, {"a.key", second});
  };
  CHECK_THROWS_WITH(read("", made.key_pem()), "a.pem: there is no certificate in it (PEM)");
  CHECK_THROWS_WITH(read(made.key_pem(), made.key_pem()), "a.pem: there is no certificate in it (PEM)");
  CHECK_THROWS_WITH(read(certificate, ""), "a.key: there is no private key in it (PEM)");
  CHECK_THROWS_WITH(read(certificate, certificate), "a.key: there is no private key in it (PEM)");
  CHECK_THROWS_WITH(read(certificate, other.key_pem()),
                    "a.key: is not the key of the first certificate in a.pem");
  CHECK_THROWS_WITH(read(certificate, made.key_pem("secret")),
                    StartsWith("a.key: the key is encrypted; write it"));
  std::string broken = certificate;
  broken[broken.size() / 2] = '!';
  CHECK_THROWS_WITH(read(broken, made.key_pem()), StartsWith("a.pem: a certificate can't be read: "));

  Made weak = make({});
  weak.key.reset(EVP_RSA_gen(1024));
  X509_set_pubkey(weak.certificate.get(), weak.key.get());
  X509_sign(weak.certificate.get(), weak.key.get(), EVP_sha256());
  CHECK_THROWS_WITH(pair_of(weak), StartsWith("site.pem: can't be used: ee key too small"));
  CHECK(last_error() == "no reason given");  // nothing is left behind for the next one
}

TEST_CASE("a chain is taken as it stands in the file", "[tls]") {
  const Made root = make({.common_name = "root", .authority = true});
  const Made between = make({.common_name = "between", .authority = true, .signed_by = &root});
  const Made leaf = make({.signed_by = &between});
  const auto pair =
      read_key_pair({"a.pem", leaf.certificate_pem() + "a remark\n" + between.certificate_pem()},
                    {"a.key", leaf.key_pem()});
  REQUIRE(pair->chain.size() == 1);
  CHECK(X509_cmp(pair->chain.front().get(), between.certificate.get()) == 0);
}

TEST_CASE("names of a certificate are in lower case, and no odd ones among them", "[tls]") {
  using Names = std::vector<std::string>;
  CHECK(names_of(
            *make({.alternatives = "DNS:B.example,DNS:*.A.Example,IP:127.0.0.1,DNS:b.example,DNS:c.example."})
                 .certificate) == Names{"b.example", "*.a.example", "c.example"});
  CHECK(names_of(*make({.common_name = "Only.example"}).certificate) == Names{"only.example"});
  CHECK(names_of(*make({.common_name = "a.example", .alternatives = "IP:127.0.0.1"}).certificate).empty());
  CHECK(names_of(*make({.common_name = "Example Authority"}).certificate).empty());
}

TEST_CASE("a certificate out of its time is served, with a warning", "[tls]") {
  Shop shop;
  shop.put(make({.from = -48h, .until = -24h}));
  CHECK(shop.load());
  REQUIRE(shop.warnings.size() == 1);
  CHECK_THAT(shop.warnings[0], StartsWith(shop.files / "site.pem: the certificate has expired on "));
  CHECK_FALSE(shop.load());
  CHECK(shop.warnings.size() == 1);
  shop.put(make({.from = 24h, .until = 48h}));
  CHECK(shop.load());
  REQUIRE(shop.warnings.size() == 2);
  CHECK(contains(shop.warnings[1], "is not valid before "));
}

TEST_CASE("what is missing at the start is told with listener and file", "[tls]") {
  Shop shop;
  CHECK_THROWS_WITH(shop.load(), "listener :443: " + shop.files / "site.pem" + ": No such file or directory");
  shop.put(make({}));
  shop.tls().client_certificates = config::ClientCertificates::kRequired;
  shop.tls().client_ca = shop.files.make_directory("ca");
  CHECK_THROWS_WITH(shop.load(), "listener :443: " + shop.files / "ca" + ": is no file");
  shop.tls().client_ca = shop.files / "site.key";
  CHECK_THROWS_WITH(shop.load(), EndsWith("site.key: there is no certificate in it (PEM)"));
}

TEST_CASE("only changed files make a new context", "[tls]") {
  Shop shop;
  const Made first = make({}), second = make({});
  shop.put(first);
  CHECK(shop.load());
  CHECK_FALSE(shop.load());
  shop.put(second);
  CHECK(shop.load());
  CHECK(X509_cmp(shop.pair().leaf.get(), second.certificate.get()) == 0);
  CHECK_FALSE(shop.load());
  CHECK(shop.counters.tls_reloads.read() == 1);
  CHECK(shop.warnings.empty());
}

TEST_CASE("a pair that is half replaced leaves the old one in use, until it is whole", "[tls]") {
  Shop shop;
  const Made first = make({}), second = make({});
  shop.put(first);
  shop.load();
  shop.put("site.pem", second.certificate_pem());
  CHECK_FALSE(shop.load());
  CHECK_FALSE(shop.load());
  CHECK(X509_cmp(shop.pair().leaf.get(), first.certificate.get()) == 0);
  REQUIRE(shop.warnings.size() == 1);  // twice seen, once told
  CHECK(contains(shop.warnings[0], "site.key: is not the key of the first certificate in "));
  CHECK_THAT(shop.warnings[0], EndsWith("; what was read before stays in use"));
  CHECK(shop.counters.tls_reloads_failed.read() == 2);
  shop.put("site.key", second.key_pem());
  CHECK(shop.load());
  CHECK(X509_cmp(shop.pair().leaf.get(), second.certificate.get()) == 0);
  std::filesystem::remove(shop.files / "site.pem");
  CHECK_FALSE(shop.load());
  CHECK(shop.warnings.size() == 2);
}

TEST_CASE("what was read for a configuration that is gone is forgotten", "[tls]") {
  Shop shop;
  shop.put(make({}));
  shop.load();
  const std::weak_ptr<const KeyPair> key = shop.contexts->listener(":443")->parts().certificates.front().pair;
  shop.config.listeners.clear();
  shop.load();  // those of before may still be handed back to the workers
  shop.load();
  CHECK(key.expired());
  CHECK_FALSE(shop.store.rotate(os::now() + 24h));
}

TEST_CASE("a staple is used where it fits, and never a reason not to serve", "[tls]") {
  const Made authority = make({.common_name = "authority", .authority = true});
  const Made site = make({.signed_by = &authority});
  Shop shop;
  shop.put(site);
  shop.tls().certificates.front().ocsp = shop.files / "site.ocsp";
  const auto staple = [&] { return shop.contexts->listener(":443")->parts().certificates.front().staple; };

  CHECK(shop.load());  // there is no such file
  CHECK(staple() == nullptr);
  REQUIRE(shop.warnings.size() == 1);
  CHECK_THAT(shop.warnings[0], EndsWith("site.ocsp: No such file or directory; " + shop.files / "site.pem" +
                                        " goes without an OCSP response"));

  const auto refused = [&](const std::string& der, const std::string& why) {
    shop.put("site.ocsp", der);
    shop.load();
    shop.load();
    CHECK(staple() == nullptr);
    CHECK(contains(shop.warnings.back(), why));
  };
  refused("nothing of the kind", "is no OCSP response (DER): ");
  refused(ocsp_answer(make({.signed_by = &authority}), authority), "is about another certificate");
  refused(ocsp_answer(site, authority, {.status = V_OCSP_CERTSTATUS_REVOKED}),
          "says that the certificate is revoked");
  refused(ocsp_answer(site, authority, {.from = -2h, .until = -1h}), "has expired");
  refused(ocsp_answer(site, authority, {.from = 1h, .until = 2h}), "is not valid yet");
  CHECK(shop.warnings.size() == 6);

  shop.put("site.ocsp", ocsp_answer(site, authority));
  CHECK(shop.load());
  REQUIRE(staple() != nullptr);
  const auto until = good_until(*staple(), *site.certificate);
  REQUIRE(until);
  CHECK(std::chrono::abs(*until - os::wall_now() - 1h) < 1min);
  CHECK_FALSE(shop.load());

  shop.put("site.ocsp", "broken later");  // the one in use goes on as long as it is good
  CHECK_FALSE(shop.load());
  CHECK(staple() != nullptr);
}

TEST_CASE("the self-signed certificate stays the same, and names this machine", "[tls]") {
  Shop shop;
  shop.tls() = {.self_signed = true};
  shop.load();
  const KeyPair* const made = shop.store.self_signed();
  REQUIRE(made != nullptr);
  CHECK(made->names.front() == "localhost");
  for (const char* address : {"127.0.0.1", "::1"})
    CHECK(X509_check_ip_asc(made->leaf.get(), address, 0) == 1);
  CHECK(validity_warning(*made->leaf, os::wall_now()).empty());
  CHECK(made->key_type() == EVP_PKEY_EC);
  CHECK(fingerprint(*made->leaf).size() == 32 * 3 - 1);
  CHECK_FALSE(shop.load());
  CHECK(shop.store.self_signed() == made);
}

TEST_CASE("ticket keys of a listener stay over reloads, and rotate", "[tls]") {
  Shop shop;
  shop.put(make({}));
  shop.tls().ticket_rotation = 1h;
  shop.load();
  const auto tickets = shop.contexts->listener(":443")->parts().tickets;
  shop.put(make({}));
  shop.tls().min_version = config::TlsVersion::k13;
  CHECK(shop.load());
  CHECK(shop.contexts->listener(":443")->parts().tickets == tickets);
  const os::Time start = tickets->newest().made;
  CHECK(shop.store.rotate(start + 59min) == start + 1h);
  CHECK(shop.counters.tls_ticket_keys.read() == 1);
  CHECK(shop.store.rotate(start + 1h) == start + 2h);
  CHECK(shop.counters.tls_ticket_keys.read() == 2);
}

TEST_CASE("the last two ticket keys open tickets, as long as they are not too old", "[tls]") {
  const os::Time start = os::now();
  TicketKeys keys(1h, start);
  const TicketKey first = keys.newest();
  CHECK_FALSE(keys.rotate(start + 59min));
  CHECK(keys.rotate(start + 1h));
  const TicketKey second = keys.newest();
  CHECK(first.name != second.name);
  CHECK(keys.find(first.name, start + 1h));
  CHECK(keys.find(second.name, start + 1h));
  CHECK(keys.find(first.name, start + 2h - 1ms));
  CHECK_FALSE(keys.find(first.name, start + 2h));  // though nobody came to rotate
  CHECK(keys.rotate(start + 2h));
  CHECK_FALSE(keys.find(first.name, start + 2h));
  CHECK(keys.find(second.name, start + 2h));
}
