#include "config/quick.h"

#include "catch.h"
#include "config/parse.h"

namespace sluice::config {
namespace {

using Catch::Matchers::StartsWith;

TEST_CASE("a quick proxy is one listener, one upstream with all servers, one route", "[config]") {
  const QuickOptions options{.workers = 2, .access_log = "-", .path = Path::kSplice, .server_timing = true};
  const Config c = quick_proxy("127.0.0.1:7000", {"a.example:1", "[::1]:2"}, options);
  CHECK(c.workers == 2);
  CHECK(c.access_log.file == "-");
  REQUIRE(c.listeners.size() == 1);
  CHECK(c.listeners[0].listen == "127.0.0.1:7000");
  CHECK(c.upstreams.at("origin").servers == std::vector<Server>{{"a.example", 1}, {"::1", 2}});
  REQUIRE(c.routes.size() == 1);
  CHECK(c.routes[0].handler.proxy == "origin");
  CHECK(c.routes[0].path == "/");
  CHECK(c.routes[0].relay.path == Path::kSplice);
  CHECK(c.routes[0].server_timing);
}

TEST_CASE("a quick file server serves its directory on every path", "[config]") {
  const Config c = quick_serve("/", ":7000");
  REQUIRE(c.routes.size() == 1);
  CHECK(c.routes[0].path == "/");
  REQUIRE(c.routes[0].handler.files);
  CHECK(c.routes[0].handler.files->root == "/");
  CHECK(c.upstreams.empty());
}

TEST_CASE("a quick tcp forward has no routes", "[config]") {
  QuickOptions options;
  options.path = Path::kBuffered;
  const Config c = quick_tcp(":7000", {"db.example:5432"}, options);
  REQUIRE(c.listeners.size() == 1);
  CHECK(c.listeners[0].protocol == Protocol::kTcp);
  CHECK(c.listeners[0].upstream == "origin");
  CHECK(c.listeners[0].relay.path == Path::kBuffered);
  CHECK(c.routes.empty());
}

TEST_CASE("a quick kafka front is one listener and its log", "[config]") {
  QuickOptions options;
  options.path = Path::kBuffered;
  options.advertise = "k.example:9092";
  options.groups = "/g.sqlite";
  options.tls_self_signed = true;
  const Config c = quick_kafka("/usr", ":9092", options);
  REQUIRE(c.listeners.size() == 1);
  CHECK(c.listeners[0].protocol == Protocol::kKafka);
  CHECK(c.listeners[0].kafka == Kafka{.log = "/usr", .advertise = "k.example:9092", .groups = "/g.sqlite"});
  CHECK(c.listeners[0].relay.path == Path::kBuffered);
  CHECK(c.listeners[0].tls == ListenerTls{.self_signed = true});
  CHECK(c.routes.empty());
}

TEST_CASE("mistakes of a quick command name the option, not a place in a file", "[config]") {
  QuickOptions lost_log;
  lost_log.access_log = "/no/such/directory/a.log";
  QuickOptions many;
  many.workers = 5000;
  CHECK_THROWS_WITH(quick_proxy("nowhere", {"a:1"}), StartsWith("--listen: "));
  CHECK_THROWS_WITH(quick_proxy(":1", {"a"}), StartsWith("--to: ") && Catch::Matchers::EndsWith("\"a:80\""));
  CHECK_THROWS_WITH(quick_proxy(":1", {}), StartsWith("--to: "));
  CHECK_THROWS_WITH(quick_tcp(":1", {"http://a:1"}), StartsWith("--to: "));
  CHECK_THROWS_WITH(quick_serve("/no/such/directory", ":1"), StartsWith("DIR: "));
  QuickOptions nowhere, inside;
  nowhere.advertise = "nowhere";
  inside.groups = "/usr/groups";
  CHECK_THROWS_WITH(quick_kafka("/no/such/directory", ":1"), StartsWith("LOGDIR: "));
  CHECK_THROWS_WITH(quick_kafka("/usr", ":1", nowhere), StartsWith("--advertise: "));
  CHECK_THROWS_WITH(quick_kafka("/usr", ":1", inside), StartsWith("--groups: "));
  CHECK_THROWS_WITH(quick_serve("/", ":1", lost_log), StartsWith("--access-log: "));
  CHECK_THROWS_WITH(quick_serve("/", ":1", many), StartsWith("--workers: "));
}

}  // namespace
}  // namespace sluice::config
