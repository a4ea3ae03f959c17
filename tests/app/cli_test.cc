#include "app/cli.h"

#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "scratch_directory.h"
#include "tls/certificates.h"
#include "tls/kernel_tls.h"

namespace sluice::app {
namespace {

struct Outcome {
  Command command;
  std::string out, err;
};

Outcome type(std::vector<const char*> words) {
  words.insert(words.begin(), "sluice");
  std::ostringstream out, err;
  Outcome outcome;
  outcome.command = parse_command_line(static_cast<int>(words.size()), words.data(), out, err);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A configuration file that lives as long as one test.
class ConfFile {
 public:
  explicit ConfFile(const std::string& text) : name_(directory_.write("a.json", text)) {}
  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  testing::ScratchDirectory directory_;
  std::string name_;
};

// A certificate and its key in files that live as long as one test.
struct PairFiles {
  explicit PairFiles(const testing::Wanted& wanted = {}) {
    const testing::Made made = testing::make(wanted);
    certificate = directory.write("a.pem", made.certificate_pem());
    key = directory.write("a.key", made.key_pem());
  }
  testing::ScratchDirectory directory;
  std::string certificate, key;
};

std::string entry(const std::string& certificate, const std::string& key) {
  return R"({"certificate": ")" + certificate + R"(", "key": ")" + key + R"("})";
}

TEST_CASE("run: a valid file is ready to start, and is known for a reload", "[cli]") {
  const ConfFile file(R"({"listeners": [{"listen": ":1"}], "routes": [{"status": true}]})");
  const Outcome o = type({"run", file.name()});
  REQUIRE(o.command.kind == Command::Kind::kRun);
  CHECK(o.command.config->listeners.size() == 1);
  CHECK(o.command.config_file == file.name());
  CHECK(o.out.empty());
  CHECK(o.err.empty());
}

TEST_CASE("check: a valid file is summed up", "[cli]") {
  const ConfFile file(R"({
    "listeners": [{"listen": "127.0.0.1:1"}, {"listen": "127.0.0.1:2", "protocol": "tcp", "upstream": "db"},
                  {"listen": "127.0.0.1:3", "protocol": "kafka", "kafka": "/usr"},
                  {"listen": "127.0.0.1:4", "protocol": "kafka", "relay": {"path": "buffered"},
                   "tls": {"self_signed": true},
                   "kafka": {"log": "/usr", "advertise": "k:5", "groups": "/g"}}],
    "upstreams": {"db": "[::1]:3", "old": ["a:4", "b:5"]},
    "routes": [{"path": "/f", "files": "/", "strip_prefix": true}, {"host": "h", "respond": 404},
               {"proxy": "db", "relay": {"path": "buffered"}}, {"path": "/s", "status": true},
               {"path": "/l", "log": "/usr"}]})");
  const Outcome o = type({"check", file.name()});
  CHECK(o.command.kind == Command::Kind::kCheck);
  CHECK(o.command.exit_code == kExitOk);
  CHECK(o.out == std::string(file.name()) + R"( is valid
workers    one per usable processor
listeners  127.0.0.1:1  http
           127.0.0.1:2  tcp to db
           127.0.0.1:3  kafka /usr
           127.0.0.1:4  kafka /usr, advertised as k:5, groups in /g, always buffered, tls, self-signed
routes     /f  files /, prefix stripped
           h/  respond 404
           /   proxy db, always buffered
           /s  status
           /l  log /usr
upstreams  db   [::1]:3
           old  a:4, b:5 (no route or listener uses it)
)");
}

TEST_CASE("check: what is encrypted, multiplexed and compressed is summed up, too", "[cli]") {
  const PairFiles pair;
  const ConfFile file(R"({
    "listeners": [
      {"listen": ":1", "redirect_https": true},
      {"listen": ":2", "tls": {"certificates": [)" +
                      entry(pair.certificate, pair.key) +
                      R"(], "ktls": "auto", "client_certificates": "required", "client_ca": ")" +
                      pair.certificate + R"("}},
      {"listen": ":3", "protocol": "tcp", "upstream": "h2", "tls": {"self_signed": true}},
      {"listen": ":4", "tls": {"self_signed": true, "http2": false}}],
    "upstreams": {"h2": {"servers": ["a:4"], "protocol": "h2", "tls": true},
                  "risky": {"servers": ["b:5"], "tls": {"verify": false}}},
    "routes": [{"proxy": "risky", "compress": true}], "user": "nobody"})");
  const Outcome o = type({"check", file.name()});
  CHECK(o.out == std::string(file.name()) + R"( is valid
workers    one per usable processor
listeners  :1  http, redirects to https
           :2  https, HTTP/2, )" +
                     pair.certificate +
                     R"(, kernel TLS, client certificates required
           :3  tcp to h2, tls, self-signed
           :4  https, self-signed
routes     /  proxy risky, compressed
upstreams  h2     a:4, HTTP/2, tls
           risky  b:5, tls (not verified)
user       nobody
)");
}

TEST_CASE("a bad file is no start: all mistakes on standard error, exit code 2", "[cli]") {
  const ConfFile file(R"({"listeners": [{"listen": "x"}], "routes": [{"path": "y", "status": true}]})");
  for (const char* command : {"run", "check"}) {
    const Outcome o = type({command, file.name()});
    CHECK(o.command.kind == Command::Kind::kExit);
    CHECK(o.command.exit_code == kExitUsage);
    CHECK(o.command.config == nullptr);
    CHECK(has(o.err, std::string("sluice: ") + file.name() + ":\n  listeners[0].listen: "));
    CHECK(has(o.err, "\n  routes[0].path: "));
    CHECK(o.out.empty());
  }
  CHECK(has(type({"run", "/no/such/file"}).err, "No such file or directory"));
}

TEST_CASE("certificates and keys are opened, and all that is wrong with them is told with the rest",
          "[cli]") {
  const PairFiles good, other;
  const ConfFile file(R"({
    "workers": 5000, "user": "no-such-user",
    "listeners": [
      {"listen": ":1", "tls": {"certificates": [)" +
                      entry("/no/such.pem", good.key) + "," + entry(good.certificate, other.key) + "," +
                      entry(good.certificate, good.key) + "," +
                      R"({"certificate": "/no/such.pem"}]}},
      {"listen": ":2", "tls": {"self_signed": true, "client_certificates": "optional", "client_ca": ")" +
                      good.key + R"("}}],
    "upstreams": {"a": {"servers": ["b:1"], "tls": {"ca": "/no/such.ca"}}},
    "routes": [{"proxy": "a"}]})");
  for (const char* command : {"check", "run"}) {
    const Outcome o = type({command, file.name()});
    CAPTURE(o.err);
    CHECK(o.command.exit_code == kExitUsage);
    CHECK(has(o.err, "\n  workers: 5000"));
    CHECK(has(o.err, "\n  user: this machine knows no user \"no-such-user\""));
    CHECK(has(o.err, "\n  listeners[0].tls.certificates[0]: /no/such.pem: No such file or directory\n"));
    CHECK(has(o.err, "\n  listeners[0].tls.certificates[1]: " + other.key + ": is not the key of"));
    CHECK_FALSE(has(o.err, "certificates[2]"));
    CHECK(has(o.err, "\n  listeners[0].tls.certificates[3].key: missing"));
    CHECK_FALSE(has(o.err, "certificates[3]: "));  // a consequence
    CHECK(has(o.err, "\n  listeners[1].tls.client_ca: " + good.key));
    CHECK(has(o.err, "\n  upstreams.a.tls: /no/such.ca: No such file or directory\n"));
  }
  const Outcome quick = type({"serve", "/", "--tls-cert", "/no/such.pem", "--tls-key", good.key.c_str()});
  CHECK(has(quick.err, "--tls-cert: /no/such.pem: No such file or directory"));
}

TEST_CASE("check: what works and people should know all the same is a warning", "[cli]") {
  const PairFiles expired({.from = std::chrono::hours(-2), .until = std::chrono::hours(-1)});
  const ConfFile file(R"({"listeners": [{"listen": ":1", "tls": {"certificates": [)" +
                      entry(expired.certificate, expired.key) + R"(]}}], "routes": [{"status": true}]})");
  const Outcome o = type({"check", file.name()});
  CHECK(o.command.exit_code == kExitOk);
  CHECK(has(o.err, "sluice: warning: " + expired.certificate + ": the certificate has expired"));
}

TEST_CASE("the quick commands become a configuration without a file", "[cli]") {
  const Outcome proxy = type({"proxy", "--to", "a:1", "--to", "b:2", "--workers", "3", "--access-log", "-",
                              "--path", "splice", "--server-timing"});
  REQUIRE(proxy.command.kind == Command::Kind::kRun);
  CHECK(proxy.command.config_file.empty());
  const config::Config& c = *proxy.command.config;
  CHECK(c.listeners[0].listen == "127.0.0.1:7000");
  CHECK(c.upstreams.at("origin").servers.size() == 2);
  CHECK(c.workers == 3);
  CHECK(c.access_log.file == "-");
  CHECK(c.routes[0].relay.path == config::Path::kSplice);
  CHECK(c.routes[0].server_timing);

  const Outcome serve = type({"serve", "/", "--listen", ":2", "--path", "sendfile"});
  REQUIRE(serve.command.kind == Command::Kind::kRun);
  CHECK(serve.command.config->listeners[0].listen == ":2");
  CHECK(serve.command.config->routes[0].handler.files->root == "/");
  CHECK(serve.command.config->routes[0].relay.path == config::Path::kSendfile);

  const Outcome tcp = type({"tcp", "--to", "a:1", "--path", "buffered"});
  REQUIRE(tcp.command.kind == Command::Kind::kRun);
  CHECK(tcp.command.config->listeners[0].protocol == config::Protocol::kTcp);
  CHECK(tcp.command.config->listeners[0].relay.path == config::Path::kBuffered);
}

TEST_CASE("kafka: a directory is served without a file, on Kafka's own port unless told", "[cli]") {
  const Outcome plain = type({"kafka", "/usr"});
  REQUIRE(plain.command.kind == Command::Kind::kRun);
  CHECK(plain.command.config->listeners[0].listen == "127.0.0.1:9092");
  CHECK(plain.command.config->listeners[0].kafka == config::Kafka{.log = "/usr"});

  const PairFiles pair;
  const Outcome full = type({"kafka", "/usr", "--listen", ":2", "--advertise", "k.example:3", "--groups",
                             "/g", "--workers", "4", "--access-log", "-", "--path", "sendfile", "--tls-cert",
                             pair.certificate.c_str(), "--tls-key", pair.key.c_str()});
  REQUIRE(full.command.kind == Command::Kind::kRun);
  const config::Config& c = *full.command.config;
  CHECK(c.workers == 4);
  CHECK(c.access_log.file == "-");
  CHECK(c.listeners[0].listen == ":2");
  CHECK(c.listeners[0].kafka == config::Kafka{.log = "/usr", .advertise = "k.example:3", .groups = "/g"});
  CHECK(c.listeners[0].relay.path == config::Path::kSendfile);
  CHECK(c.listeners[0].tls->certificates.size() == 1);
  CHECK(has(type({"kafka", "--help"}).out, "kcat -b 127.0.0.1:9092 -C -t access -o beginning"));
}

TEST_CASE("the quick commands: HTTPS, compression, and TLS to the servers", "[cli]") {
  const PairFiles pair;
  const Outcome proxy = type({"proxy", "--to", "https://a.example", "--to", "https://[::1]:8443/",
                              "--tls-cert", pair.certificate.c_str(), "--tls-key", pair.key.c_str(), "--ktls",
                              "--compress", "--http2-upstream"});
  REQUIRE(proxy.command.kind == Command::Kind::kRun);
  const config::Config& c = *proxy.command.config;
  const config::Upstream& origin = c.upstreams.at("origin");
  CHECK(origin.servers == std::vector<config::Server>{{"a.example", 443}, {"::1", 8443}});
  CHECK(origin.tls == config::UpstreamTls{});
  CHECK(origin.protocol == config::UpstreamProtocol::kHttp2);
  CHECK(c.routes[0].host_header == config::HostHeader::kUpstream);
  CHECK(c.routes[0].compress.codings.size() == 3);
  CHECK(c.listeners[0].tls == config::ListenerTls{.certificates = {{pair.certificate, pair.key, ""}},
                                                  .ktls = config::KernelTls::kAuto});

  const Outcome serve = type({"serve", "/", "--tls-self-signed", "--compress"});
  REQUIRE(serve.command.kind == Command::Kind::kRun);
  CHECK(serve.command.config->listeners[0].tls == config::ListenerTls{.self_signed = true});
  CHECK(serve.command.config->routes[0].compress.codings.size() == 3);

  const Outcome tcp = type({"tcp", "--to", "https://a.example:5", "--tls-self-signed"});
  REQUIRE(tcp.command.kind == Command::Kind::kRun);
  CHECK(tcp.command.config->listeners[0].tls == config::ListenerTls{.self_signed = true});
  CHECK(tcp.command.config->upstreams.at("origin").tls == config::UpstreamTls{});
}

TEST_CASE("a wrong command line says what is wrong and exits with 2", "[cli]") {
  struct Row {
    std::vector<const char*> words;
    std::string told;
  };
  const auto row = GENERATE(
      values<Row>({{{}, "sluice COMMAND --help"},
                   {{"fly"}, "sluice --help"},
                   {{"porxy"}, "did you mean \"proxy\"?"},
                   {{"--fly"}, "--help"},
                   {{"run"}, "CONF"},
                   {{"serve"}, "DIR"},
                   {{"kafka"}, "LOGDIR"},
                   {{"kafka", "/no/such"}, "LOGDIR: can't open"},
                   {{"kafka", "/", "--path", "splice"}, "--path"},
                   {{"kafka", "/", "--advertise", "a"}, "--advertise: \"a\" is no \"host:port\""},
                   {{"proxy"}, "--to"},
                   {{"proxy", "--to", "a:1", "b:2"}, "b:2"},
                   {{"proxy", "--to", "a"}, "--to: \"a\" has no port"},
                   {{"proxy", "--to", "a:1", "--path", "sendfile"}, "--path"},
                   {{"serve", "/", "--path", "splice"}, "--path"},
                   {{"tcp", "--to", "a:1", "--server-timing"}, "--server-timing"},
                   {{"serve", "/", "--tls-cert", "/a.pem"}, "--tls-key: missing"},
                   {{"serve", "/", "--tls-key", "/a.key"}, "--tls-cert: missing"},
                   {{"serve", "/", "--tls-cert", "/a.pem", "--tls-key", "/a.key", "--tls-self-signed"},
                    "--tls-self-signed: there are certificates"},
                   {{"serve", "/", "--ktls"}, "--ktls: is for TLS: add --tls-cert"},
                   {{"tcp", "--to", "a:1", "--compress"}, "--compress"},
                   {{"serve", "/", "--http2-upstream"}, "--http2-upstream"},
                   {{"proxy", "--to", "https://a", "--to", "b:1"}, "--to: some begin with"},
                   {{"proxy", "--to", "https://a/b"}, "--to: \"https://a/b\" has a path"},
                   {{"tcp", "--to", "a:1", "--workers", "-1"}, "--workers"},
                   {{"tcp", "--to", "a:1", "--workers", "many"}, "--workers"},
                   {{"tcp", "--to", "a:1", "--workers", "9999"}, "--workers: 9999"}}));
  const Outcome o = type(row.words);
  CAPTURE(row.told, o.out, o.err);
  CHECK(o.command.kind == Command::Kind::kExit);
  CHECK(o.command.exit_code == kExitUsage);
  CHECK(o.command.config == nullptr);
  CHECK(has(o.err, row.told));
}

TEST_CASE("help is no error, and shows an example of each command", "[cli]") {
  const Outcome all = type({"--help"});
  CHECK(all.command.kind == Command::Kind::kExit);
  CHECK(all.command.exit_code == kExitOk);
  CHECK(has(all.out, "Exit codes"));
  for (const std::string command : {"run", "check", "proxy", "serve", "tcp", "kafka", "version"}) {
    const Outcome one = type({command.c_str(), "--help"});
    CAPTURE(command);
    CHECK(one.command.exit_code == kExitOk);
    CHECK(has(one.out, "Example:\n  sluice " + command));
    CHECK(has(all.out, "  " + command + " "));
  }
}

TEST_CASE("version names the build's kernel paths and the libraries", "[cli]") {
  const Outcome o = type({"version"});
  CHECK(o.command.kind == Command::Kind::kVersion);
  CHECK(o.command.exit_code == kExitOk);
  CHECK(o.out.starts_with("sluice "));
  CHECK(has(o.out, "\nkernel paths "));
  const tls::KernelTlsAbility& ktls = tls::kernel_tls();
  CHECK(has(o.out, "\nkernel TLS " + (ktls.usable ? "AES-128-GCM" : "no: " + ktls.told)));
  CHECK(has(o.out, "\nlibevent 2."));
  CHECK(has(o.out, "\nOpenSSL 3."));
  CHECK(has(o.out, "\nnghttp2 1."));
  CHECK(has(o.out, "\nzlib 1."));
  CHECK(has(o.out, "\nbrotli 1."));
  CHECK(has(o.out, "\nzstd 1."));
  CHECK(type({"--version"}).out == o.out);
}

TEST_CASE("log: the words are work for the main thread", "[cli]") {
  const testing::ScratchDirectory directory;
  const std::string logs = directory.make_directory("logs");
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"append", logs.c_str(), "t", "--codec", "lz4", "--fsync", "3", "--linger",
                                 "1s"},
        {"list", logs.c_str(), "--json"},
        {"dump", logs.c_str(), "t", "--from", "7", "--count", "1"},
        {"verify", logs.c_str()},
        {"trim", logs.c_str(), "t", "--keep-bytes", "1GiB"}}) {
    std::vector<const char*> line{"log"};
    line.insert(line.end(), words.begin(), words.end());
    const Outcome o = type(line);
    CHECK(o.command.kind == Command::Kind::kWork);
    CHECK(o.command.work != nullptr);
    CHECK(o.err.empty());
  }
  std::ostringstream out, err;
  const std::vector<const char*> list{"sluice", "log", "list", logs.c_str()};
  const Command command = parse_command_line(static_cast<int>(list.size()), list.data(), out, err);
  CHECK(command.work() == kExitOk);
  CHECK(has(out.str(), "next offset"));
}

TEST_CASE("check: thresholds are told where they are not the built-in ones", "[cli]") {
  const ConfFile file(R"({
    "listeners": [{"listen": ":1"}], "upstreams": {"a": "b:1"}, "thresholds": "auto",
    "routes": [{"path": "/", "proxy": "a"},
               {"path": "/s", "proxy": "a", "relay": {"thresholds": "built-in", "splice_min": "1KiB"}}]})");
  const Outcome o = type({"check", file.name()});
  CAPTURE(o.err);
  CHECK(has(o.out, "\nroutes     /   proxy a\n"));
  CHECK(has(o.out, "/s  proxy a, splice_min 1KiB, sendfile_min 8KiB\n"));
  CHECK(has(o.out, "\nthresholds splice_min learnt, sendfile_min learnt  learnt while it runs\n"));
}

TEST_CASE("calibrate: the words are work for the main thread", "[cli]") {
  CHECK(type({"calibrate"}).command.kind == Command::Kind::kWork);
  CHECK(type({"calibrate", "--quick", "--write", "/tmp/t.json"}).command.kind == Command::Kind::kWork);
  const Outcome both = type({"calibrate", "--print", "--write", "/tmp/t.json"});
  CHECK(both.command.kind == Command::Kind::kExit);
  CHECK(both.command.exit_code == kExitUsage);
}

TEST_CASE("log: wrong words are refused, and nothing is done", "[cli]") {
  for (const std::vector<const char*>& line :
       {std::vector<const char*>{"log"},
        {"log", "apend", "/tmp", "t"},
        {"log", "append", "/tmp"},
        {"log", "append", "/tmp", "a/b"},
        {"log", "append", "/tmp", "t", "--fsync", "maybe"},
        {"log", "append", "/tmp", "t", "--batch-bytes", "0"},
        {"log", "trim", "/tmp", "t"},
        {"log", "trim", "/tmp", "t", "--before", "1", "--older-than", "1h"},
        {"log", "dump", "/tmp", "t", "--partition", "-1"}}) {
    const Outcome o = type(line);
    CHECK(o.command.kind == Command::Kind::kExit);
    CHECK(o.command.exit_code == kExitUsage);
    CHECK(!o.err.empty());
  }
  const Outcome help = type({"log", "append", "--help"});
  CHECK(help.command.exit_code == kExitOk);
  CHECK(has(help.out, "Example:"));
}

}  // namespace
}  // namespace sluice::app
