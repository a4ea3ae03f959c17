#include "config/quick.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "config/mistakes.h"
#include "config/names.h"
#include "config/rules.h"
#include "config/server.h"

namespace sluice::config {
namespace {

// The rules speak of places in a file; who typed a command wants the option.
struct Option {
  std::string_view place, name;
};
constexpr auto kOptions = std::to_array<Option>({
    {"workers", "--workers"},
    {"access_log.file", "--access-log"},
    {"listeners[0].listen", "--listen"},
    {"listeners[0].kafka.log", "LOGDIR"},
    {"listeners[0].kafka.advertise", "--advertise"},
    {"listeners[0].kafka.groups", "--groups"},
    {"listeners[0].tls.certificates[0]", "--tls-cert"},
    {"listeners[0].tls.certificates[0].certificate", "--tls-cert"},
    {"listeners[0].tls.certificates[0].key", "--tls-key"},
    {"listeners[0].tls.self_signed", "--tls-self-signed"},
    {"listeners[0].tls.ktls", "--ktls"},
    {"routes[0].files.root", "DIR"},
    {"upstreams.origin.servers", "--to"},
    {"upstreams.origin.tls", "--to"},
});

constexpr std::string_view kHttps = "https://";

std::optional<ListenerTls> tls_of(const QuickOptions& options, Mistakes& mistakes) {
  const bool certificate = !options.tls_certificate.empty() || !options.tls_key.empty();
  if (!certificate && !options.tls_self_signed) {
    if (options.ktls)
      mistakes.add("listeners[0].tls.ktls",
                   "is for TLS: add --tls-cert and --tls-key, or --tls-self-signed to try things out");
    return std::nullopt;
  }
  ListenerTls tls{.self_signed = options.tls_self_signed,
                  .ktls = options.ktls ? KernelTls::kAuto : KernelTls::kOff};
  if (certificate) tls.certificates.push_back({options.tls_certificate, options.tls_key, ""});
  return tls;
}

Config common(const std::string& listen, const QuickOptions& options, Mistakes& mistakes) {
  Config config;
  config.workers = options.workers;
  config.access_log.file = options.access_log;
  config.listeners.emplace_back();
  config.listeners.front().listen = listen;
  config.listeners.front().tls = tls_of(options, mistakes);
  return config;
}

Route catch_all(const QuickOptions& options) {
  Route route;
  route.name = "all";
  route.path = "/";
  route.relay.path = options.path;
  route.server_timing = options.server_timing;
  if (options.compress) route.compress.codings = all_codings();
  return route;
}

// "https://host", "https://host:port"; a slash may follow.
std::optional<Server> parse_https(std::string_view url, std::string& remedy) {
  std::string rest(url.substr(kHttps.size()));
  if (rest.ends_with('/')) rest.pop_back();
  if (rest.find('/') != std::string::npos) {
    remedy = in_quotes(url) + " has a path: write only \"https://host:port\"";
    return std::nullopt;
  }
  const std::size_t colon = rest.rfind(':');
  const std::size_t bracket = rest.rfind(']');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  return parse_server(has_port ? rest : rest + ":443", remedy);
}

void add_origin(Config& config, const std::vector<std::string>& to, Mistakes& mistakes) {
  Upstream origin;
  origin.name = "origin";
  const auto secure =
      std::count_if(to.begin(), to.end(), [](const std::string& text) { return text.starts_with(kHttps); });
  if (secure != 0) origin.tls.emplace();
  if (secure != 0 && static_cast<std::size_t>(secure) != to.size())
    mistakes.add("upstreams.origin.servers",
                 "some begin with https:// and some do not: write it at all or at none");
  for (const std::string& text : to) {
    std::string remedy;
    if (auto server = text.starts_with(kHttps) ? parse_https(text, remedy) : parse_server(text, remedy)) {
      origin.servers.push_back(std::move(*server));
    } else {
      mistakes.add("upstreams.origin.servers", remedy);
    }
  }
  config.upstreams[origin.name] = std::move(origin);
}

Config checked(Config config, Mistakes mistakes, const MoreRules& more) {
  add_consequences(config, more, mistakes);
  for (Mistake& mistake : mistakes.list()) {
    for (const Option& option : kOptions) {
      if (mistake.place == option.place) mistake.place = option.name;
    }
  }
  mistakes.throw_if_any();
  return config;
}

}  // namespace

Config quick_proxy(const std::string& listen, const std::vector<std::string>& to,
                   const QuickOptions& options) {
  Mistakes mistakes;
  Config config = common(listen, options, mistakes);
  add_origin(config, to, mistakes);
  if (options.http2_upstream) config.upstreams.at("origin").protocol = UpstreamProtocol::kHttp2;
  config.routes.push_back(catch_all(options));
  config.routes.front().handler.proxy = "origin";
  // Their certificates are for their own name, and so is mostly what stands behind it.
  if (config.upstreams.at("origin").tls) config.routes.front().host_header = HostHeader::kUpstream;
  return checked(std::move(config), std::move(mistakes), options.more);
}

Config quick_serve(const std::string& directory, const std::string& listen, const QuickOptions& options) {
  Mistakes mistakes;
  Config config = common(listen, options, mistakes);
  config.routes.push_back(catch_all(options));
  config.routes.front().handler.files.emplace();
  config.routes.front().handler.files->root = directory;
  return checked(std::move(config), std::move(mistakes), options.more);
}

Config quick_tcp(const std::string& listen, const std::vector<std::string>& to, const QuickOptions& options) {
  Mistakes mistakes;
  Config config = common(listen, options, mistakes);
  add_origin(config, to, mistakes);
  Listener& listener = config.listeners.front();
  listener.protocol = Protocol::kTcp;
  listener.upstream = "origin";
  listener.relay.path = options.path;
  return checked(std::move(config), std::move(mistakes), options.more);
}

Config quick_kafka(const std::string& log, const std::string& listen, const QuickOptions& options) {
  Mistakes mistakes;
  Config config = common(listen, options, mistakes);
  Listener& listener = config.listeners.front();
  listener.protocol = Protocol::kKafka;
  listener.kafka = Kafka{.log = log, .advertise = options.advertise, .groups = options.groups};
  listener.relay.path = options.path;
  return checked(std::move(config), std::move(mistakes), options.more);
}

}  // namespace sluice::config
