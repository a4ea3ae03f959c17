#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "app/calibrate.h"
#include "app/log_commands.h"
#include "app/summary.h"
#include "app/tls_check.h"
#include "config/names.h"
#include "config/parse.h"
#include "config/quick.h"
#include "config/suggest.h"
#include "config/thresholds.h"
#include "content/version.h"
#include "http2/version.h"
#include "loop/version.h"
#include "os/kernel_paths.h"
#include "os/process.h"
#include "tls/kernel_tls.h"
#include "tls/version.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "unknown"
#endif

namespace sluice::app {
namespace {

using config::Config;

constexpr const char* kFooter = R"(
Try it:
  sluice serve . --listen 127.0.0.1:7000     a directory over HTTP
  sluice serve . --tls-self-signed           the same over HTTPS, for trying things out
  date | sluice log append /tmp/topics now   a line into a topic, which `sluice kafka /tmp/topics` serves
  sluice COMMAND --help                      options and an example of one command

Exit codes: 0 all is well, 1 failed while starting or running,
            2 wrong command line or configuration (nothing was started))";

constexpr auto kCommands = std::to_array<std::string_view>(
    {"run", "check", "proxy", "serve", "tcp", "kafka", "log", "calibrate", "version"});

// What the options write into; lives as long as one parse.
struct Words {
  std::string file, directory;
  std::string listen = "127.0.0.1:7000", kafka_listen = "127.0.0.1:9092";
  std::vector<std::string> to;
  std::string path = "auto";
  config::QuickOptions quick;
};

config::Path path_named(const std::string& word) {
  const auto found = std::find_if(config::kPathNames.begin(), config::kPathNames.end(),
                                  [&](const auto& name) { return name.text == word; });
  return found == config::kPathNames.end() ? config::Path::kAuto
                                           : found->value;  // CLI::IsMember let no other pass
}

void add_file(CLI::App& command, Words& words) {
  command.add_option("CONF", words.file, "Configuration file (JSON with comments)")->required();
}

void add_to(CLI::App& command, Words& words) {
  command
      .add_option(
          "--to", words.to,
          "Server to send to, host:port, or https://host:port for TLS; repeat it to balance over several")
      ->required()
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);  // else a list would swallow the words after it
}

void add_common(CLI::App& command, Words& words, std::string& listen, const std::vector<std::string>& paths) {
  command.add_option("--listen", listen, "Address and port to listen on; \":7000\" for all addresses")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command.add_option("--workers", words.quick.workers, "Worker threads; 0: one per usable processor")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--access-log", words.quick.access_log,
                  "One JSON line per exchange into FILE; \"-\": standard output")
      ->type_name("FILE");
  command.add_option("--path", words.path, "How bodies travel; auto chooses for each")
      ->check(CLI::IsMember(paths))
      ->capture_default_str();
}

void add_tls(CLI::App& command, Words& words) {
  command
      .add_option("--tls-cert", words.quick.tls_certificate,
                  "Speak TLS, with this certificate and its chain (PEM)")
      ->type_name("FILE");
  command.add_option("--tls-key", words.quick.tls_key, "The certificate's private key (PEM)")
      ->type_name("FILE");
  command.add_flag("--tls-self-signed", words.quick.tls_self_signed,
                   "Speak TLS with a certificate made at start, for trying things out");
  command.add_flag("--ktls", words.quick.ktls,
                   "Let the kernel encrypt where it can, so that bytes need not be copied");
}

void add_kafka(CLI::App& command, Words& words) {
  command.add_option("LOGDIR", words.directory, "Directory that holds <topic>-<partition>/")->required();
  add_common(command, words, words.kafka_listen, {"auto", "buffered", "sendfile", "mmap"});
  command
      .add_option("--advertise", words.quick.advertise,
                  "What clients are told to connect to, where that is not the address they came in on")
      ->type_name("HOST:PORT");
  command
      .add_option("--groups", words.quick.groups,
                  "Where consumer groups are kept; else where the system keeps state of services")
      ->type_name("FILE");
  add_tls(command, words);
}

void add_compress(CLI::App& command, Words& words) {
  command.add_flag("--compress", words.quick.compress,
                   "Compress responses (zstd, br, gzip) for clients that accept it");
}

void add_server_timing(CLI::App& command, Words& words) {
  command.add_flag("--server-timing", words.quick.server_timing,
                   "Tell clients in a Server-Timing header which path the bytes took, and why");
}

std::string kernel_tls_text() {
  const tls::KernelTlsAbility& ability = tls::kernel_tls();
  return (ability.usable ? "" : "no: ") + ability.told;
}

std::string version_text() {
  std::ostringstream out;
  out << "sluice " << SLUICE_VERSION << "\nkernel paths " << os::kernel_paths_name() << "\nkernel TLS "
      << kernel_tls_text() << "\nlibevent " << loop::libevent_version() << "\nOpenSSL "
      << tls::openssl_version() << "\nnghttp2 " << http2::nghttp2_version() << "\nzlib "
      << content::loaded_zlib() << "\nbrotli " << content::loaded_brotli() << "\nzstd "
      << content::loaded_zstd();
  return out.str();
}

// Mistakes of a configuration, one a line, under a heading that says where they are.
Command refuse(const std::string& where, const config::ConfigError& error, std::ostream& err) {
  err << "sluice: " << where << ":\n";
  std::istringstream lines(error.what());
  for (std::string line; std::getline(lines, line);) err << "  " << line << '\n';
  return {.kind = Command::Kind::kExit, .config = nullptr, .config_file = "", .exit_code = kExitUsage};
}

// The commands and their options; `chosen` is set to the one that was given.
class CommandLine {
 public:
  explicit CommandLine(std::ostream& out) : out_(out) {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", [] { return version_text(); });
    app_.footer(kFooter);

    run_ = app_.add_subcommand("run", "Run with a configuration file");
    add_file(*run_, words_);
    run_->footer(
        "\nExample:\n  sluice run conf/quickstart.json\n"
        "SIGHUP reads the file again, SIGTERM lets running exchanges finish.");

    check_ = app_.add_subcommand("check", "Check a configuration file and show what it says");
    add_file(*check_, words_);
    check_->footer(
        "\nExample:\n  sluice check conf/full.json && echo valid\n"
        "Reports all mistakes at once, of certificates and keys too; binds and connects to nothing.");

    proxy_ = app_.add_subcommand("proxy", "Proxy HTTP or HTTPS to one or more servers, without a file");
    add_to(*proxy_, words_);
    add_common(*proxy_, words_, words_.listen, {"auto", "buffered", "splice"});
    add_server_timing(*proxy_, words_);
    add_tls(*proxy_, words_);
    add_compress(*proxy_, words_);
    proxy_->add_flag("--http2-upstream", words_.quick.http2_upstream,
                     "HTTP/2 to the servers: by ALPN with https://, else by prior knowledge");
    proxy_->footer(
        "\nExample:\n  sluice proxy --to 127.0.0.1:9001 --to 127.0.0.1:9002 --access-log -\n"
        "HTTPS, with HTTP/1.1 and HTTP/2:\n"
        "  sluice proxy --listen :443 --tls-cert site.pem --tls-key site.key --to 127.0.0.1:9001\n"
        "  sluice proxy --tls-self-signed --compress --to https://origin.example");

    serve_ = app_.add_subcommand("serve", "Serve a directory over HTTP or HTTPS, without a file");
    serve_->add_option("DIR", words_.directory, "Directory to serve")->required();
    add_common(*serve_, words_, words_.listen, {"auto", "buffered", "sendfile", "mmap"});
    add_server_timing(*serve_, words_);
    add_tls(*serve_, words_);
    add_compress(*serve_, words_);
    serve_->footer(
        "\nExample:\n  sluice serve ./www --listen :8080 --server-timing\n"
        "HTTPS, with HTTP/1.1 and HTTP/2:\n"
        "  sluice serve ./www --listen :443 --tls-cert site.pem --tls-key site.key --ktls\n"
        "  sluice serve ./www --tls-self-signed");

    tcp_ = app_.add_subcommand("tcp", "Forward TCP connections, without a file");
    add_to(*tcp_, words_);
    add_common(*tcp_, words_, words_.listen, {"auto", "buffered", "splice"});
    add_tls(*tcp_, words_);
    tcp_->footer(
        "\nExample:\n  sluice tcp --listen 127.0.0.1:6000 --to db.example:5432\n"
        "TLS ends here:\n  sluice tcp --listen :6443 --tls-self-signed --to 127.0.0.1:6000");

    kafka_ =
        app_.add_subcommand("kafka", "Serve topics from segment files to Kafka consumers, without a file");
    add_kafka(*kafka_, words_);
    kafka_->footer(
        "\nExample:\n  sluice kafka /var/log/topics --listen 127.0.0.1:9092\n"
        "  kcat -b 127.0.0.1:9092 -C -t access -o beginning\n"
        "Directories that Apache Kafka wrote are served as they are; nothing is written into them.");

    log_.emplace(app_);
    calibrate_.emplace(app_);

    version_ = app_.add_subcommand(
        "version", "Print the version, what the kernel is used for, and the libraries' versions");
    version_->footer("\nExample:\n  sluice version");
  }

  [[nodiscard]] CLI::App& app() noexcept { return app_; }

  // The library would only say that a command is missing.
  bool refuses_command(const std::string& word, std::ostream& err) {
    const bool known = std::find(kCommands.begin(), kCommands.end(), word) != kCommands.end();
    if (known || word.starts_with('-')) return false;
    const std::string_view near = config::nearest(word, kCommands);
    err << "sluice: there is no command \"" << word << '"';
    if (near.empty()) {
      err << ": \"sluice --help\" lists them\n";
    } else {
      err << ": did you mean \"" << near << "\"?\n";
    }
    return true;
  }

  Command chosen(std::ostream& err) {
    auto work = log_->chosen(out_, err);
    if (!work) work = calibrate_->chosen(out_, err);
    if (work)
      return {.kind = Command::Kind::kWork, .config = nullptr, .config_file = "", .work = std::move(work)};
    words_.quick.path = path_named(words_.path);
    if (version_->parsed()) {
      out_ << version_text() << '\n';
      return {.kind = Command::Kind::kVersion, .config = nullptr, .config_file = "", .exit_code = kExitOk};
    }
    const bool from_file = run_->parsed() || check_->parsed();
    Command command{.kind = check_->parsed() ? Command::Kind::kCheck : Command::Kind::kRun,
                    .config = nullptr,
                    .config_file = words_.file,
                    .exit_code = kExitOk};
    try {
      command.config = std::make_shared<const Config>(build());
    } catch (const config::ConfigError& error) {
      return refuse(from_file ? words_.file : "this can't work", error, err);
    }
    if (command.kind == Command::Kind::kCheck) {
      for (const std::string& warning : warnings_) err << "sluice: warning: " << warning << '\n';
      out_ << words_.file << " is valid\n" << summary_of(*command.config);
    }
    return command;
  }

 private:
  Config build() {
    words_.quick.more = [this](const Config& config, config::Mistakes& mistakes) {
      warnings_ = check_tls(config, mistakes);
      if (std::string told = config::measured_elsewhere(config); !told.empty())
        warnings_.push_back(std::move(told));
      if (!config.user.empty() && !os::is_user(config.user))
        mistakes.add("user", "this machine knows no user " + config::in_quotes(config.user));
    };
    if (proxy_->parsed()) return config::quick_proxy(words_.listen, words_.to, words_.quick);
    if (serve_->parsed()) return config::quick_serve(words_.directory, words_.listen, words_.quick);
    if (tcp_->parsed()) return config::quick_tcp(words_.listen, words_.to, words_.quick);
    if (kafka_->parsed()) return config::quick_kafka(words_.directory, words_.kafka_listen, words_.quick);
    return config::load(words_.file, words_.quick.more);
  }

  std::ostream& out_;
  Words words_;
  std::vector<std::string> warnings_;
  CLI::App app_{"Sluice: a reverse proxy whose bytes stay in the kernel whenever they can", "sluice"};
  std::optional<LogCommands> log_;
  std::optional<CalibrateCommand> calibrate_;
  CLI::App *run_, *check_, *proxy_, *serve_, *tcp_, *kafka_, *version_;  // owned by app_
};

}  // namespace

Command parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  CommandLine line(out);
  if (argc <= 1) {
    err << line.app().help();
    return {.kind = Command::Kind::kExit, .config = nullptr, .config_file = "", .exit_code = kExitUsage};
  }
  if (line.refuses_command(argv[1], err)) {
    return {.kind = Command::Kind::kExit, .config = nullptr, .config_file = "", .exit_code = kExitUsage};
  }
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // The library has an exit code per kind of slip; ours knows help and version (0) and the rest.
    const int code = line.app().exit(error, out, err);
    return {.kind = Command::Kind::kExit,
            .config = nullptr,
            .config_file = "",
            .exit_code = code == 0 ? kExitOk : kExitUsage};
  }
  return line.chosen(err);
}

}  // namespace sluice::app
