// One mistake, one line: its place, and what to write instead.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "config/parse.h"

namespace sluice::config {
namespace {

std::string complaint(const std::string& text) {
  try {
    (void)parse(text, "");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "valid";
}

// A valid file with one more member at the top, or with one route or listener in place of the usual one.
std::string with(const std::string& member) {
  return R"({"listeners": [{"listen": ":1"}], "routes": [{"status": true}], )" + member + "}";
}
std::string with_route(const std::string& members) {
  return R"({"listeners": [{"listen": ":1"}], "upstreams": {"origin": "a:1"}, "routes": [{)" + members +
         "}]}";
}
std::string with_listeners(const std::string& listeners) {
  return R"({"workers": 2, "upstreams": {"origin": "a:1"}, "routes": [{"status": true}], "listeners": [)" +
         listeners + "]}";
}

std::string with_tls(const std::string& members) {
  return with_listeners(R"({"listen": ":1", "tls": {)" + members + "}}");
}
std::string with_kafka(const std::string& members) {
  return with_listeners(R"({"listen": ":1", "protocol": "kafka", )" + members + "}");
}
std::string with_upstream(const std::string& members) {
  return with(R"("upstreams": {"a": {"servers": ["b:1"], )" + members + "}}");
}

struct Row {
  std::string file, place, remedy;
};

void check(const Row& row) {
  const std::string told = complaint(row.file);
  CAPTURE(row.file, told);
  CHECK(told.starts_with(row.place + ": "));
  CHECK(told.find(row.remedy) != std::string::npos);
  CHECK(std::count(told.begin(), told.end(), '\n') == 0);
}

TEST_CASE("a slip in the syntax is shown by line and column", "[config]") {
  check(GENERATE(values<Row>({
      {"{\n  \"workers\": 1,\n}", "line 3, column 1", "remove the comma"},
      {"{\"trusted\": [\"::1\", ]}", "line 1, column 21", "remove the comma"},
      {"{\"workers\": 1\n \"log_level\": \"info\"}", "line 2, column 12", "a comma is missing"},
      {"{\"workers\" 1}", "line 1, column 12", "a \":\" is missing"},
      {"{\"workers\": 1", "line 1, column 14", "ends too early"},
      {"{workers: 1}", "line 1, column 2", "double quotes"},
      {"{'workers': 1}", "line 1, column 2", "double quotes"},
      {"{} {}", "line 1, column 4", "nothing may follow"},
      {" \n", "line 2, column 1", "the file is empty"},
  })));
}

TEST_CASE("a number too large to be read is shown by its place", "[config]") {
  check(GENERATE(values<Row>({
      {R"({"workers": 1e999})", "workers", "too large"},
      {R"({"listeners": [{"listen": ":1"}, 1e999]})", "listeners[1]", "too large"},
      {R"({"routes": [{}, {"respond": {"status": -1e999}}]})", "routes[1].respond.status", "too large"},
  })));
  CHECK(complaint("1e999") == "the number is too large to be read");
}

TEST_CASE("a key that is not known comes with the one that was meant", "[config]") {
  check(GENERATE(values<Row>({
      {with(R"("worker": 1)"), "worker", "did you mean \"workers\"?"},
      {with(R"("timeouts": {"conect": "1s"})"), "timeouts.conect", "did you mean \"connect\"?"},
      {with(R"("head": "1s")"), "head", "it belongs in \"timeouts\""},
      {with(R"("qqq": 1)"), "qqq", "write one of \"workers\", \"listeners\""},
      {with_route(R"("prox": "origin")"), "routes[0].prox", "did you mean \"proxy\"?"},
      {with_route(R"("status": true, "splice_min": 1)"), "routes[0].splice_min", "it belongs in \"relay\""},
  })));
}

TEST_CASE("a key written twice is a mistake, at any depth", "[config]") {
  check(GENERATE(values<Row>({
      {with(R"("workers": 1, "workers": 2)"), "workers", "written twice"},
      {with(R"("upstreams": {"a": "b:1", "a": "c:1"})"), "upstreams.a", "written twice"},
      {R"({"listeners": [{"listen": ":1"}, {"listen": ":2", "listen": ":3"}], "routes": [{"status": true}]})",
       "listeners[1].listen", "written twice"},
  })));
}

TEST_CASE("a value of the wrong kind is told what kind it should be", "[config]") {
  check(GENERATE(values<Row>({
      {with(R"("workers": "4")"), "workers", "without quotes"},
      {with(R"("workers": -1)"), "workers", "not -1"},
      {with(R"("workers": 1.5)"), "workers", "not 1.5"},
      {with(R"("workers": 4294967296)"), "workers", "at most 4294967295"},
      {with(R"("timeouts": {"head": 10})"), "timeouts.head", "write \"10s\" or \"10ms\""},
      {with(R"("timeouts": {"head": true})"), "timeouts.head", "a duration"},
      {with(R"("timeouts": [])"), "timeouts", "expected an object {...}, not a list"},
      {with(R"("limits": {"pipe": "4k"})"), "limits.pipe", "write \"4KiB\""},
      {with(R"("limits": {"pipes": "4KiB"})"), "limits.pipes", "a whole number"},
      {with(R"("trusted": "::1")"), "trusted", "expected a list"},
      {with(R"("trusted": [1])"), "trusted[0]", "such as \"10.0.0.0/8\""},
      {with(R"("log_level": "verbose")"), "log_level", "\"debug\""},
      {with(R"("upstreams": ["a:1"])"), "upstreams", "{\"NAME\": [\"host:port\"]}"},
      {with_route(R"("status": 1)"), "routes[0].status", "true or false"},
      {with_route(R"("proxy": "origin", "forwarded": "yes")"), "routes[0].forwarded", "\"rfc7239\""},
      {with_route(R"("respond": "404")"), "routes[0].respond", "expected an object"},
      {with_route(R"("respond": -1)"), "routes[0].respond", "200 to 599"},
      {with_listeners("7000"), "listeners[0]", "not a number"},
      {with_listeners(R"({"listen": 7000})"), "listeners[0].listen", "not a number"},
  })));
}

TEST_CASE("what the rest refers to must exist, fit, and stand once", "[config]") {
  check(GENERATE(values<Row>({
      {R"({"routes": [{"status": true}]})", "listeners", "none: write"},
      {R"({"listeners": [{"listen": ":1"}]})", "routes", "there is an http listener"},
      {with_listeners(R"({})"), "listeners[0].listen", "missing"},
      {with_listeners(R"({"listen": "localhost:80"})"), "listeners[0].listen", "write \"127.0.0.1:7000\""},
      {with_listeners(R"({"listen": ":0"})"), "listeners[0].listen", "\"workers\": 1"},
      {with_listeners(R"({"listen": ":1"}, {"listen": "*:1"})"), "listeners[1].listen",
       "taken by listeners[0]"},
      {with_listeners(R"({"listen": ":1", "protocol": "tcp"})"), "listeners[0].upstream", "missing"},
      {with_listeners(R"({"listen": ":1", "protocol": "tcp", "upstream": "orign"})"), "listeners[0].upstream",
       "did you mean \"origin\"?"},
      {with_listeners(R"({"listen": ":1", "upstream": "origin"})"), "listeners[0].upstream",
       "add \"protocol\": \"tcp\""},
      {with_listeners(R"({"listen": ":1", "relay": {"path": "splice"}})"), "listeners[0].relay",
       "from each route"},
      {with(R"("upstreams": {"a": {}})"), "upstreams.a.servers", "no server"},
      {with(R"("upstreams": {"a": []})"), "upstreams.a.servers", "no server"},
      {with(R"("upstreams": {"a": ["b:1", "c"]})"), "upstreams.a[1]", "write \"c:80\""},
      {with(R"("upstreams": {"a": 1})"), "upstreams.a", "not a number"},
      {with(R"("upstreams": {"a b": "c:1"})"), "upstreams.a b", "visible ASCII"},
      {with_route(R"("path": "/a")"), "routes[0]", "add one of \"proxy\""},
      {with_route(R"("status": false)"), "routes[0]", "add one of \"proxy\""},
      {with_route(R"("proxy": "origin", "status": true)"), "routes[0].status", "has \"proxy\" already"},
      {with_route(R"("proxy": "")"), "routes[0].proxy", "is empty"},
      {with_route(R"("proxy": "orgin")"), "routes[0].proxy", "did you mean \"origin\"?"},
      {with_route(R"("proxy": "elsewhere")"), "routes[0].proxy", "{\"elsewhere\": [\"host:port\"]}"},
      {with_route(R"("files": "no/such/directory")"), "routes[0].files.root", "No such file or directory"},
      {with_route(R"("files": {"index": "a.html"})"), "routes[0].files.root", "missing"},
      {with_route(R"("files": {"root": "/", "index": "a/b"})"), "routes[0].files.index", "without \"/\""},
      {with_route(R"("respond": 199)"), "routes[0].respond.status", "200 to 599"},
      {with_route(R"("respond": 302)"), "routes[0].respond.location", "needs a place to go to"},
      {with_route(R"("respond": {"location": "/"})"), "routes[0].respond.location", "is for redirects"},
      {with_route(R"("respond": {"status": 302, "location": "/\r\nX: y"})"), "routes[0].respond.location",
       "control characters"},
      {with_route(R"("respond": {"status": 204, "body": "x"})"), "routes[0].respond.body", "has no body"},
      {with_route(R"("status": true, "path": "a")"), "routes[0].path", "write \"/a\""},
      {with_route(R"("status": true, "path": "/a?b")"), "routes[0].path", "leave out"},
      {with_route(R"("status": true, "path": "/a/../b")"), "routes[0].path", "can't match"},
      {with_route(R"("status": true, "path": "/a//b")"), "routes[0].path", "can't match"},
      {with_route(R"("status": true, "path": "/%41")"), "routes[0].path", "\"%41\""},
      {with_route(R"("status": true, "path": "/a%2fb")"), "routes[0].path", "write \"%2F\""},
      {with_route(R"("status": true, "host": "http://a")"), "routes[0].host", "without scheme and port"},
      {with_route(R"("status": true, "host": "a:80")"), "routes[0].host", "without scheme and port"},
      {with_route(R"("status": true, "host": "*")"), "routes[0].host", "leave \"host\" out"},
      {with_route(R"("status": true}, {"status": true)"), "routes[1].path", "never be taken"},
      {with_route(R"("status": true, "host": "A"}, {"status": true, "host": "a")"), "routes[1].path",
       "never be taken"},
      {with_route(R"("status": true, "name": "a"}, {"status": true, "path": "/b", "name": "a")"),
       "routes[1].name", "name of routes[0]"},
      {with(R"("trusted": ["10.1.2.3/8"])"), "trusted[0]", "\"10.0.0.0/8\""},
      {with(R"("access_log": "no/such/directory/a.log")"), "access_log.file", "create it first"},
      {with(R"("access_log": "/")"), "access_log.file", "is a directory"},
  })));
}

TEST_CASE("TLS, HTTP/2 and compression: what can't work is told", "[config]") {
  check(GENERATE(values<Row>({
      {with_listeners(R"({"listen": ":1", "tls": true})"), "listeners[0].tls", "\"self_signed\": true"},
      {with_listeners(R"({"listen": ":1", "ktls": "auto"})"), "listeners[0].ktls",
       "it belongs in \"listeners[].tls\""},
      {with_listeners(R"({"listen": ":1", "redirect_https": true, "tls": {"self_signed": true}})"),
       "listeners[0].redirect_https", "speaks https already"},
      {with_listeners(R"({"listen": ":1", "protocol": "tcp", "upstream": "origin", "redirect_https": true})"),
       "listeners[0].redirect_https", "is for http listeners"},
      {with_listeners(R"({"listen": ":1", "protocol": "tcp", "upstream": "origin",
                          "tls": {"self_signed": true, "hsts": "1h"}})"),
       "listeners[0].tls.hsts", "a header of http"},
      {with_tls(""), "listeners[0].tls.certificates", "\"self_signed\": true to try"},
      {with_tls(R"("certificates": [])"), "listeners[0].tls.certificates", "missing"},
      {with_tls(R"("certificate": "a.pem", "self_signed": true)"), "listeners[0].tls.certificate",
       "did you mean \"certificates\"?"},
      {with_tls(R"("certificates": [{"certificate": "a"}])"), "listeners[0].tls.certificates[0].key",
       "private key"},
      {with_tls(R"("certificates": [{"key": "a"}])"), "listeners[0].tls.certificates[0].certificate",
       "certificate chain"},
      {with_tls(R"("certificates": ["a.pem"])"), "listeners[0].tls.certificates[0]", "expected an object"},
      {with_tls(R"("certificates": [{"certificate": "a", "key": "b"}], "self_signed": true)"),
       "listeners[0].tls.self_signed", "one or the other"},
      {with_tls(R"("self_signed": true, "min_version": "1.1")"), "listeners[0].tls.min_version",
       "\"1.2\", \"1.3\""},
      {with_tls(R"("self_signed": true, "ktls": true)"), "listeners[0].tls.ktls", "\"off\", \"auto\""},
      {with_tls(R"("self_signed": true, "client_certificates": "required")"), "listeners[0].tls.client_ca",
       "missing"},
      {with_tls(R"("self_signed": true, "client_ca": "ca.pem")"), "listeners[0].tls.client_ca",
       "add \"client_certificates\""},
      {with_tls(R"("self_signed": true, "hsts": 31536000)"), "listeners[0].tls.hsts",
       "write \"31536000s\" or"},
      {with_tls(R"("self_signed": true, "hsts": "1500ms")"), "listeners[0].tls.hsts", "whole seconds"},
      {with_tls(R"("self_signed": true, "hsts": "87601h")"), "listeners[0].tls.hsts", "write 0s to 87600h"},
      {with_tls(R"("self_signed": true, "ticket_rotation": "0s")"), "listeners[0].tls.ticket_rotation",
       "write 1s to 168h"},
      {with_upstream(R"("protocol": "h3")"), "upstreams.a.protocol", "\"http/1.1\", \"h2\""},
      {with_upstream(R"("tls": "yes")"), "upstreams.a.tls", "not text"},
      {with_upstream(R"("tls": {"verify": false, "ca": "ca.pem"})"), "upstreams.a.tls.ca",
       "nothing is verified"},
      {with_upstream(R"("tls": {"certificate": "a.pem"})"), "upstreams.a.tls.key", "missing"},
      {with_upstream(R"("tls": {"key": "a.key"})"), "upstreams.a.tls.certificate", "missing"},
      {with_upstream(R"("tls": {"name": "a:443"})"), "upstreams.a.tls.name", "without port"},
      {with(R"("upstreams": {"a": "https://b:443"})"), "upstreams.a", "\"tls\": true"},
      {with_route(R"("status": true, "compress": "gzip")"), "routes[0].compress", "not text"},
      {with_route(R"("status": true, "compress": {"codings": "gzip"})"), "routes[0].compress.codings",
       "expected a list of \"zstd\", \"br\", \"gzip\""},
      {with_route(R"("status": true, "compress": {"codings": ["gzip", "brotli"]})"),
       "routes[0].compress.codings[1]", "one of \"zstd\", \"br\""},
      {with_route(R"("status": true, "compress": {"codings": ["gzip", "br", "gzip"]})"),
       "routes[0].compress.codings[2]", "twice"},
      {with_route(R"("status": true, "compress": {"codings": []})"), "routes[0].compress.codings", "false"},
      {with_route(R"("status": true, "compress": {"types": ["html"]})"), "routes[0].compress.types[0]",
       "no media type"},
      {with_route(R"("status": true, "compress": {"types": ["*/*"]})"), "routes[0].compress.types[0]",
       "no media type"},
      {with_route(R"("status": true, "compress": {"level": 10})"), "routes[0].compress.level",
       "write 0 to 9"},
      {with_route(R"("status": true, "compress": {"min_length": "2GiB"})"), "routes[0].compress.min_length",
       "write 0 to 1GiB"},
      {with(R"("http2": {"streams": 0})"), "http2.streams", "write 1 to 10000"},
      {with(R"("http2": {"window": "2h"})"), "http2.window", "write 100ms to 1h"},
      {with(R"("limits": {"handshakes": 0})"), "limits.handshakes", "write 1 to"},
      {with(R"("timeouts": {"handshake": "1ms"})"), "timeouts.handshake", "write 10ms to 24h"},
      {with(R"("certificate_check": 10)"), "certificate_check", "write \"10s\""},
      {with(R"("user": "www data")"), "user", "no name of a user"},
  })));
}

TEST_CASE("Kafka and logs: what can't work is told", "[config]") {
  check(GENERATE(values<Row>({
      {with_listeners(R"({"listen": ":1", "protocol": "kafka"})"), "listeners[0].kafka", "missing: write"},
      {with_kafka(R"("kafka": 1)"), "listeners[0].kafka", "not a number"},
      {with_kafka(R"("kafka": {})"), "listeners[0].kafka.log", "missing"},
      {with_kafka(R"("kafka": "no/such/directory")"), "listeners[0].kafka.log", "No such file or directory"},
      {with_kafka(R"("kafka": {"log": "/", "directory": "/"})"), "listeners[0].kafka.directory",
       "belongs in \"log\""},
      {with_kafka(R"("kafka": {"log": "/", "advertise": "a.example"})"), "listeners[0].kafka.advertise",
       "is no \"host:port\""},
      {with_kafka(R"("kafka": {"log": "/usr", "groups": "/no/such/g"})"), "listeners[0].kafka.groups",
       "create it first"},
      {with_kafka(R"("kafka": {"log": "/usr", "groups": "/tmp"})"), "listeners[0].kafka.groups",
       "is a directory"},
      {with_kafka(R"("kafka": {"log": "/usr", "groups": "/usr/bin/../lib/g.sqlite"})"),
       "listeners[0].kafka.groups", "only read"},
      {with_kafka(R"("kafka": {"log": "/usr", "groups": "/g"}}, {"listen": ":2", "protocol": "kafka",
                     "kafka": {"log": "/tmp", "groups": "/g"})"),
       "listeners[1].kafka.groups", "groups of listeners[0]"},
      {with_kafka(R"("kafka": "/", "upstream": "origin")"), "listeners[0].upstream", "leave it out"},
      {with_kafka(R"("kafka": "/", "redirect_https": true)"), "listeners[0].redirect_https",
       "is for http listeners"},
      {with_kafka(R"("kafka": "/", "relay": {"path": "splice"})"), "listeners[0].relay.path",
       "write \"sendfile\""},
      {with_kafka(R"("kafka": "/", "tls": {"self_signed": true, "hsts": "1h"})"), "listeners[0].tls.hsts",
       "a header of http"},
      {with_listeners(R"({"listen": ":1", "kafka": "/"})"), "listeners[0].kafka",
       "add \"protocol\": \"kafka\""},
      {with_listeners(R"({"listen": ":1", "protocol": "tcp", "upstream": "origin", "kafka": "/"})"),
       "listeners[0].kafka", "is for kafka listeners"},
      {with_listeners(R"({"listen": ":1", "log": "/"})"), "listeners[0].log",
       "belongs in \"listeners[].kafka\""},
      {with_kafka(R"("kafka": {"log": "/", "frame": 1})"), "listeners[0].kafka.frame",
       "write 1KiB to 100MiB"},
      {with_kafka(R"("kafka": {"log": "/", "fetch": "2GiB"})"), "listeners[0].kafka.fetch",
       "write 1KiB to 1GiB"},
      {with_kafka(R"("kafka": {"log": "/", "partitions": 0})"), "listeners[0].kafka.partitions",
       "write 1 to"},
      {with_kafka(R"("kafka": {"log": "/", "members": 0})"), "listeners[0].kafka.members", "write 1 to"},
      {with_kafka(R"("kafka": {"log": "/", "open_segments": 0})"), "listeners[0].kafka.open_segments",
       "write 1 to"},
      {with_kafka(R"("kafka": {"log": "/", "longest_wait": "2h"})"), "listeners[0].kafka.longest_wait",
       "write 10ms to 1h"},
      {with_kafka(R"("kafka": {"log": "/", "look_every": "0s"})"), "listeners[0].kafka.look_every",
       "write 10ms to 1h"},
      {with_route(R"("log": "no/such/directory")"), "routes[0].log.directory", "No such file or directory"},
      {with_route(R"("log": {})"), "routes[0].log.directory", "missing"},
      {with_route(R"("log": {"directory": "/", "open_segments": 0})"), "routes[0].log.open_segments",
       "write 1 to"},
      {with_route(R"("log": "/", "files": "/")"), "routes[0].log", "has \"files\" already"},
      {with(R"("access_log": {"file": "-", "topic": "a", "directory": "/"})"), "access_log.topic",
       "keep \"file\" or \"topic\""},
      {with(R"("access_log": {"topic": "a b", "directory": "/"})"), "access_log.topic", "no name of a topic"},
      {with(R"("access_log": {"topic": "..", "directory": "/"})"), "access_log.topic", "no name of a topic"},
      {with(R"("access_log": {"topic": "a"})"), "access_log.directory", "only with a kafka listener"},
      {with(R"("access_log": {"topic": "a", "directory": "/no/such"})"), "access_log.directory",
       "No such file or directory"},
      {with(R"("access_log": {"file": "-", "directory": "/"})"), "access_log.directory", "add \"topic\""},
  })));
}

TEST_CASE("a number out of its range comes with the range", "[config]") {
  check(GENERATE(values<Row>({
      {with(R"("workers": 1025)"), "workers", "write 0 to 1024"},
      {with(R"("timeouts": {"head": "5ms"})"), "timeouts.head", "write 10ms to 24h"},
      {with(R"("timeouts": {"drain": "25h"})"), "timeouts.drain", "write 0s to 24h"},
      {with(R"("limits": {"head": 1023, "target": 64})"), "limits.head", "write 1KiB to 65535"},
      {with(R"("limits": {"head": "64KiB"})"), "limits.head", "write 1KiB to 65535"},
      {with(R"("limits": {"head": "8KiB", "target": 8193})"), "limits.target", "above limits.head"},
      {with(R"("limits": {"relay_buffer": "8KiB"})"), "limits.relay_buffer", "below limits.head"},
      {with(R"("limits": {"relay_buffer": "2MiB"})"), "limits.relay_buffer", "write 4KiB to 1MiB"},
      {with(R"("limits": {"pipe": 4095})"), "limits.pipe", "write 4KiB to 16MiB"},
      {with(R"("limits": {"pipes": 0})"), "limits.pipes", "write 1 to"},
      {with(R"("access_log": {"topic": "a", "directory": "/", "retain": "1KiB"})"), "access_log.retain",
       "write 1MiB to"},
      {with(R"("access_log": {"file": "-", "retain": "1MiB"})"), "access_log.retain", "add \"topic\""},
      {with(R"("access_log": {"queue": 0})"), "access_log.queue", "write 1 to"},
      {with(R"("upstreams": {"a": {"servers": ["b:1"], "idle_timeout": "0s"}})"), "upstreams.a.idle_timeout",
       "write 10ms to 24h"},
      {with_route(R"("proxy": "origin", "relay": {"splice_min": "2GiB"})"), "routes[0].relay.splice_min",
       "write 0 to 1GiB"},
      {with_route(R"("files": {"root": "/", "open_files": 0})"), "routes[0].files.open_files", "write 1 to"},
  })));
}

TEST_CASE("all mistakes of a file are told at once, consequences left out", "[config]") {
  const std::string told = complaint(R"({
    "workers": "two",
    "listeners": [{"listen": "nowhere"}, {"listen": ":2", "protocol": "udp"}],
    "upstreams": {"origin": {"servers": ["a"]}},
    "routes": [{"path": "b", "proxy": "origin"}, 7]
  })");
  CAPTURE(told);
  const std::vector<std::string> places = {
      "workers: ",   "listeners[1].protocol: ", "upstreams.origin.servers[0]: ",
      "routes[1]: ", "listeners[0].listen: ",   "routes[0].path: "};
  std::size_t lines = 0;
  std::istringstream in(told);
  for (std::string line; std::getline(in, line); ++lines) {
    REQUIRE(lines < places.size());
    CHECK(line.starts_with(places[lines]));
  }
  CHECK(lines == places.size());
}

TEST_CASE("a file that is no object is one mistake", "[config]") {
  CHECK(complaint("[]").starts_with("expected an object {...}, not a list"));
  CHECK(complaint("null").starts_with("expected an object {...}, not null"));
}

TEST_CASE("control characters of a key don't reach the terminal", "[config]") {
  const std::string told = complaint(with(R"("\u001b[31m\n": 1)"));
  CHECK(told.starts_with("?[31m?: unknown key"));
}

TEST_CASE("a config made without a file keeps to the same rules", "[config]") {
  Config config;
  CHECK_THROWS_AS(validate(config), ConfigError);
  config.listeners.push_back(
      {.listen = "127.0.0.1:1", .protocol = Protocol::kHttp, .upstream = "", .relay = {}});
  Route route;
  route.path = "/";
  route.handler.status = true;
  config.routes.push_back(route);
  CHECK_NOTHROW(validate(config));
  config.limits.head = 1;
  CHECK_THROWS_AS(validate(config), ConfigError);
}

}  // namespace
}  // namespace sluice::config
