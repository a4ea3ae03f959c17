// What a file says is what the Config holds.
#include "config/parse.h"

#include <string>

#include "catch.h"
#include "scratch_directory.h"

namespace sluice::config {
namespace {

TEST_CASE("every option of a file arrives in its member", "[config]") {
  const Config c = parse(R"({
    "workers": 3,
    "listeners": [{"listen": "[::1]:1", "protocol": "tcp", "upstream": "db",
                   "relay": {"path": "buffered", "splice_min": 1, "sendfile_min": 2}},
                  {"listen": ":2", "tls": {
                     "certificates": [{"certificate": "/a.pem", "key": "/a.key", "ocsp": "/a.ocsp"},
                                      {"certificate": "/b.pem", "key": "/b.key"}],
                     "min_version": "1.3", "client_certificates": "optional", "client_ca": "/ca.pem",
                     "ktls": "auto", "http2": false, "hsts": "24h", "ticket_rotation": "1h"}},
                  {"listen": ":3", "tls": {"self_signed": true, "client_certificates": "required",
                                           "client_ca": "/ca.pem"}},
                  {"listen": ":4", "redirect_https": true},
                  {"listen": ":5", "protocol": "kafka", "relay": {"path": "sendfile"},
                   "kafka": {"log": "/usr", "advertise": "k.example:9", "groups": "/g.sqlite", "frame": "2KiB",
                             "fetch": "3KiB", "partitions": 4, "members": 5, "open_segments": 6,
                             "longest_wait": "7s", "look_every": "8s"},
                   "tls": {"self_signed": true, "client_certificates": "required", "client_ca": "/ca.pem"}}],
    "upstreams": {"db": {"servers": ["[::1]:5", "b.example:6"], "max_fails": 1, "fail_timeout": "2s",
                         "idle_connections": 3, "idle_timeout": "4s", "resolve_every": "5s",
                         "protocol": "h2",
                         "tls": {"verify": false, "name": "c.example", "certificate": "/c.pem", "key": "/c.key"}}},
    "routes": [
      {"name": "n", "host": "*.A.Example", "path": "/p", "proxy": "db", "relay": {"path": "splice"},
       "strip_prefix": true, "server_timing": true, "forwarded": "both", "host_header": "upstream",
       "body_limit": "1KiB",
       "compress": {"codings": ["gzip", "zstd"], "min_length": 7, "types": ["Text/*"], "level": 3}},
      {"path": "/f", "files": {"root": "/", "index": "i", "revalidate": "0s", "open_files": 7, "follow": true}},
      {"path": "/l", "log": {"directory": "/", "open_segments": 8}},
      {"path": "/r", "respond": {"status": 301, "body": "b", "content_type": "c", "location": "l"}},
      {"path": "/s", "status": true}],
    "trusted": ["10.0.0.0/8", "::1"],
    "timeouts": {"head": "1s", "keep_alive": "2s", "body_idle": "3s", "connect": "4s", "first_byte": "5s",
                 "tunnel_idle": "6s", "linger": "7s", "handshake": "8s", "drain": "9s"},
    "limits": {"head": 1024, "target": 65, "body": "3GiB", "relay_buffer": 4096, "pipe": 4097, "pipes": 5,
               "handshakes": 6, "clients": 7},
    "http2": {"streams": 1, "resets": 2, "control_frames": 3, "window": "4s"},
    "user": "www-data",
    "certificate_check": "1m",
    "access_log": {"file": "-", "queue": 9},
    "log_level": "error"
  })",
                         "");
  CHECK(c.workers == 3);
  REQUIRE(c.listeners.size() == 5);
  CHECK(c.listeners[0].listen == "[::1]:1");
  CHECK(c.listeners[0].protocol == Protocol::kTcp);
  CHECK(c.listeners[0].upstream == "db");
  CHECK(c.listeners[0].relay == Relay{.path = Path::kBuffered, .splice_min = 1, .sendfile_min = 2});
  CHECK(c.listeners[1].tls ==
        ListenerTls{.certificates = {{"/a.pem", "/a.key", "/a.ocsp"}, {"/b.pem", "/b.key", ""}},
                    .min_version = TlsVersion::k13,
                    .client_certificates = ClientCertificates::kOptional,
                    .client_ca = "/ca.pem",
                    .ktls = KernelTls::kAuto,
                    .http2 = false,
                    .hsts = 24h,
                    .ticket_rotation = 1h});
  CHECK(c.listeners[2].tls == ListenerTls{.self_signed = true,
                                          .client_certificates = ClientCertificates::kRequired,
                                          .client_ca = "/ca.pem"});
  CHECK(c.listeners[3].redirect_https);
  CHECK(c.listeners[4].protocol == Protocol::kKafka);
  CHECK(c.listeners[4].relay.path == Path::kSendfile);
  CHECK(c.listeners[4].tls->client_certificates == ClientCertificates::kRequired);
  CHECK(c.listeners[4].kafka == Kafka{.log = "/usr",
                                      .advertise = "k.example:9",
                                      .groups = "/g.sqlite",
                                      .frame = 2_KiB,
                                      .fetch = 3_KiB,
                                      .partitions = 4,
                                      .members = 5,
                                      .open_segments = 6,
                                      .longest_wait = 7s,
                                      .look_every = 8s});
  CHECK(c.upstreams.at("db") ==
        Upstream{.name = "db",
                 .servers = {{"::1", 5}, {"b.example", 6}},
                 .max_fails = 1,
                 .fail_timeout = 2s,
                 .idle_connections = 3,
                 .idle_timeout = 4s,
                 .resolve_every = 5s,
                 .protocol = UpstreamProtocol::kHttp2,
                 .tls = UpstreamTls{
                     .verify = false, .name = "c.example", .certificate = "/c.pem", .key = "/c.key"}});
  REQUIRE(c.routes.size() == 5);
  const Route& proxy = c.routes[0];
  CHECK(proxy.name == "n");
  CHECK(proxy.host == "*.a.example");  // hosts are compared in lower case
  CHECK(proxy.path == "/p");
  CHECK(proxy.handler.proxy == "db");
  CHECK(proxy.relay.path == Path::kSplice);
  CHECK(proxy.strip_prefix);
  CHECK(proxy.server_timing);
  CHECK(proxy.forwarded == Forwarded::kBoth);
  CHECK(proxy.host_header == HostHeader::kUpstream);
  CHECK(proxy.body_limit == 1024);
  CHECK(proxy.compress == Compress{.codings = {Coding::kGzip, Coding::kZstd},
                                   .min_length = 7,
                                   .types = {"text/*"},  // media types know no case
                                   .level = 3});
  CHECK(c.routes[1].handler.files ==
        Files{.root = "/", .index = "i", .revalidate = 0s, .open_files = 7, .follow = true});
  CHECK(c.routes[2].handler.log == LogFiles{.directory = "/", .open_segments = 8});
  CHECK(c.routes[3].handler.fixed == Fixed{.status = 301, .body = "b", .content_type = "c", .location = "l"});
  CHECK(c.routes[4].handler.status);
  CHECK(c.trusted == std::vector<std::string>{"10.0.0.0/8", "::1"});
  CHECK(c.timeouts == Timeouts{.head = 1s,
                               .keep_alive = 2s,
                               .body_idle = 3s,
                               .connect = 4s,
                               .first_byte = 5s,
                               .tunnel_idle = 6s,
                               .linger = 7s,
                               .handshake = 8s,
                               .drain = 9s});
  CHECK(c.limits == Limits{.head = 1024,
                           .target = 65,
                           .body = 3_GiB,
                           .relay_buffer = 4096,
                           .pipe = 4097,
                           .pipes = 5,
                           .handshakes = 6,
                           .clients = 7});
  CHECK(c.http2 == Http2{.streams = 1, .resets = 2, .control_frames = 3, .window = 4s});
  CHECK(c.user == "www-data");
  CHECK(c.certificate_check == 1min);
  CHECK(c.access_log.file == "-");
  CHECK(c.access_log.queue == 9);
  CHECK(c.log_level == "error");
}

TEST_CASE("the short forms mean the long ones", "[config]") {
  const auto file = [](const std::string& one, const std::string& many, const std::string& files,
                       const std::string& respond, const std::string& log) {
    return parse(R"({"listeners": [{"listen": ":1"}], "upstreams": {"one": )" + one + R"(, "many": )" + many +
                     R"(}, "routes": [{"path": "/f", "files": )" + files + R"(}, {"respond": )" + respond +
                     R"(}], "access_log": )" + log + "}",
                 "");
  };
  const Config s = file(R"("a:1")", R"(["a:1", "b:2"])", R"("/")", "404", R"("-")");
  const Config l = file(R"({"servers": ["a:1"]})", R"({"servers": ["a:1", "b:2"]})", R"({"root": "/"})",
                        R"({"status": 404})", R"({"file": "-"})");
  CHECK(s.upstreams == l.upstreams);
  CHECK(s.upstreams.at("many").servers.size() == 2);
  CHECK(s.routes[0].handler == l.routes[0].handler);
  CHECK(s.routes[0].handler.files->root == "/");
  CHECK(s.routes[1].handler == l.routes[1].handler);
  CHECK(s.routes[1].handler.fixed->status == 404);
  CHECK(s.access_log.file == l.access_log.file);
}

TEST_CASE("a directory is short for a kafka listener and for a log over HTTP", "[config]") {
  const auto file = [](const std::string& kafka, const std::string& log) {
    return parse(R"({"listeners": [{"listen": ":1"}, {"listen": ":2", "protocol": "kafka", "kafka": )" +
                     kafka + R"(}], "routes": [{"log": )" + log + "}]}",
                 "");
  };
  const Config s = file(R"("/usr")", R"("/usr")");
  CHECK(s.listeners == file(R"({"log": "/usr"})", R"("/")").listeners);
  CHECK(s.listeners[1].kafka == Kafka{.log = "/usr"});
  CHECK(s.routes == file(R"("/")", R"({"directory": "/usr"})").routes);
  CHECK(s.routes[0].handler.log == LogFiles{.directory = "/usr"});
}

TEST_CASE("the access log's topic stands with the first kafka listener's, or where the file says",
          "[config]") {
  const auto log = [](const std::string& access_log) {
    return parse(R"({"listeners": [{"listen": ":1"}, {"listen": ":2", "protocol": "kafka", "kafka": "/usr"},
                                   {"listen": ":3", "protocol": "kafka", "kafka": "/"}],
                     "routes": [{"status": true}], "access_log": )" +
                     access_log + "}",
                 "")
        .access_log;
  };
  CHECK(log(R"({"topic": "access", "queue": 9})") ==
        AccessLog{.topic = "access", .directory = "/usr", .queue = 9});
  CHECK(log(R"({"topic": "a.b_c-1", "directory": "/tmp", "retain": "2GiB"})") ==
        AccessLog{.topic = "a.b_c-1", .directory = "/tmp", .retain = 2_GiB});
  CHECK(log(R"({"file": "-"})") == AccessLog{.file = "-"});
}

TEST_CASE("true and false stand for all defaults and for none", "[config]") {
  const auto file = [](const std::string& tls, const std::string& compress) {
    return parse(R"({"listeners": [{"listen": ":1"}], "upstreams": {"a": {"servers": ["b:1"], "tls": )" +
                     tls + R"(}}, "routes": [{"proxy": "a", "compress": )" + compress + "}]}",
                 "");
  };
  const Compress all{.codings = {Coding::kZstd, Coding::kBrotli, Coding::kGzip}};
  CHECK(file("true", "true").upstreams.at("a").tls == UpstreamTls{});
  CHECK(file("{}", "true").upstreams.at("a").tls == UpstreamTls{});
  CHECK_FALSE(file("false", "true").upstreams.at("a").tls);
  CHECK(file("true", "true").routes[0].compress == all);
  CHECK(file("true", "{}").routes[0].compress == all);
  CHECK(file("true", "false").routes[0].compress == Compress{});
}

TEST_CASE("a route without path or name has the path / and is named after host and path", "[config]") {
  const Config c = parse(R"({"listeners": [{"listen": ":1"}],
                             "routes": [{"host": "a.example", "status": true}, {"path": "/b", "status": true}]})",
                         "");
  CHECK(c.routes[0].path == "/");
  CHECK(c.routes[0].name == "a.example/");
  CHECK(c.routes[1].name == "/b");
}

TEST_CASE("names of files are relative to the directory of the configuration", "[config]") {
  const testing::ScratchDirectory base;
  base.make_directory("www");
  base.make_directory("conf");
  const Config c = load(base.write("conf/a.json", R"({"listeners": [{"listen": ":1"}], // comments are allowed
    "routes": [{"files": "../www"}], "access_log": "a.log"})"));
  base.make_directory("topics");
  const Config kafka = load(base.write("conf/c.json", R"({
    "listeners": [{"listen": ":1", "protocol": "kafka", "kafka": {"log": "../topics", "groups": "g.sqlite"}},
                  {"listen": ":2", "protocol": "kafka", "kafka": "../topics"}, {"listen": ":3"}],
    "routes": [{"log": "../topics"}], "access_log": {"topic": "a", "directory": "../topics"}})"));
  const Config tls = load(base.write("conf/b.json", R"({
    "listeners": [{"listen": ":1", "tls": {
      "certificates": [{"certificate": "a.pem", "key": "../a.key", "ocsp": "a.ocsp"}],
      "client_certificates": "optional", "client_ca": "ca.pem"}}],
    "upstreams": {"a": {"servers": ["b:1"], "tls": {"ca": "/ca.pem", "certificate": "c.pem", "key": "c.key"}}},
    "routes": [{"proxy": "a"}]})"));
  CHECK(c.routes[0].handler.files->root == base / "www");
  CHECK(c.access_log.file == base / "conf/a.log");
  CHECK(kafka.listeners[0].kafka == Kafka{.log = base / "topics", .groups = base / "conf/g.sqlite"});
  CHECK(kafka.listeners[1].kafka->log == base / "topics");
  CHECK(kafka.routes[0].handler.log->directory == base / "topics");
  CHECK(kafka.access_log.directory == base / "topics");
  CHECK(tls.listeners[0].tls->certificates[0] ==
        Certificate{base / "conf/a.pem", base / "a.key", base / "conf/a.ocsp"});
  CHECK(tls.listeners[0].tls->client_ca == base / "conf/ca.pem");
  CHECK(tls.upstreams.at("a").tls ==
        UpstreamTls{.ca = "/ca.pem", .certificate = base / "conf/c.pem", .key = base / "conf/c.key"});
}

TEST_CASE("a file that can't be read says why", "[config]") {
  CHECK_THROWS_WITH(load("/no/such/file.json"), "can't be read: No such file or directory");
  CHECK_THROWS_WITH(load("/"), "is a directory: write the name of a file");
}

TEST_CASE("an empty file is told from one that can't be read", "[config]") {
  CHECK_THROWS_WITH(load("/dev/null"), Catch::Matchers::StartsWith("line 1, column 1: the file is empty"));
}

// One relay setting may stand for routes of several kinds; relay::choose() passes over what can't apply.
TEST_CASE("a forced path that the handler has no use for is no mistake", "[config]") {
  CHECK_NOTHROW(parse(R"({"listeners": [{"listen": ":1"}], "upstreams": {"a": "b:1"},
                          "routes": [{"proxy": "a", "relay": {"path": "sendfile"}},
                                     {"path": "/f", "files": "/", "relay": {"path": "splice"}}]})",
                      ""));
}

TEST_CASE("port 0 is for one worker, which may have several such listeners", "[config]") {
  CHECK_NOTHROW(parse(R"({"workers": 1, "listeners": [{"listen": "127.0.0.1:0"}, {"listen": "127.0.0.1:0"}],
                          "routes": [{"status": true}]})",
                      ""));
}

}  // namespace
}  // namespace sluice::config
