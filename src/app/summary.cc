#include "app/summary.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "config/names.h"
#include "config/server.h"
#include "config/size.h"
#include "config/thresholds.h"

namespace sluice::app {
namespace {

using config::Config;

// A heading on the left of its first line only, and columns as wide as their widest word.
class Table {
 public:
  void row(std::string first, std::string second) { rows_.push_back({std::move(first), std::move(second)}); }
  [[nodiscard]] std::string text(std::string_view heading) const {
    std::size_t width = 0;
    for (const Row& row : rows_) width = std::max(width, row.first.size());
    std::string out;
    for (const Row& row : rows_) {
      std::string line(out.empty() ? heading : "");
      line.resize(11, ' ');
      line += row.first + std::string(width - row.first.size() + 2, ' ') + row.second;
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
  }

 private:
  struct Row {
    std::string first, second;
  };
  std::vector<Row> rows_;
};

std::string forced_path(const config::Relay& relay) {
  if (relay.path == config::Path::kAuto) return "";
  for (const auto& name : config::kPathNames) {
    if (name.value == relay.path) return ", always " + std::string(name.text);
  }
  return "";
}

std::string handler_text(const config::Route& route) {
  const config::Handler& handler = route.handler;
  std::string out;
  if (!handler.proxy.empty()) out = "proxy " + handler.proxy;
  if (handler.files) out = "files " + handler.files->root;
  if (handler.fixed) out = "respond " + std::to_string(handler.fixed->status);
  if (handler.log) out = "log " + handler.log->directory;
  if (handler.status) out = "status";
  return out + (route.strip_prefix ? ", prefix stripped" : "") +
         (route.compress.codings.empty() ? "" : ", compressed") + forced_path(route.relay);
}

std::string protocol_text(const config::Listener& l) {
  switch (l.protocol) {
    case config::Protocol::kHttp:
      return std::string(l.tls ? "https" : "http") + (l.redirect_https ? ", redirects to https" : "");
    case config::Protocol::kTcp:
      return "tcp to " + l.upstream + forced_path(l.relay);
    case config::Protocol::kKafka:
      return "kafka " + l.kafka->log +
             (l.kafka->advertise.empty() ? "" : ", advertised as " + l.kafka->advertise) +
             (l.kafka->groups.empty() ? "" : ", groups in " + l.kafka->groups) + forced_path(l.relay);
  }
  return "";
}

std::string listener_text(const config::Listener& l) {
  std::string out = protocol_text(l);
  if (!l.tls) return out;
  const config::ListenerTls& tls = *l.tls;
  const bool http = l.protocol == config::Protocol::kHttp;
  if (!http) out += ", tls";
  if (http && tls.http2) out += ", HTTP/2";
  if (tls.self_signed) out += ", self-signed";
  for (const config::Certificate& c : tls.certificates) out += ", " + c.certificate;
  if (tls.ktls == config::KernelTls::kAuto) out += ", kernel TLS";
  if (tls.client_certificates != config::ClientCertificates::kOff) {
    const bool required = tls.client_certificates == config::ClientCertificates::kRequired;
    out += std::string(", client certificates ") + (required ? "required" : "optional");
  }
  return out;
}

std::string upstream_text(const config::Upstream& upstream) {
  std::string out;
  for (const config::Server& s : upstream.servers) out += (out.empty() ? "" : ", ") + server_text(s);
  if (upstream.protocol == config::UpstreamProtocol::kHttp2) out += ", HTTP/2";
  if (upstream.tls) out += upstream.tls->verify ? ", tls" : ", tls (not verified)";
  return out;
}

std::string least_text(const char* name, const config::Least& least) {
  if (least.learnt) return std::string(name) + " learnt";
  return std::string(name) + " " + config::size_text(least.size);
}

// What a route does otherwise than the top level says.
std::string thresholds_text(const config::Relay& relay, const Config& config) {
  if (!relay.thresholds && !relay.splice_min && !relay.sendfile_min) return "";
  return ", " + least_text("splice_min", config::splice_least(relay, config)) + ", " +
         least_text("sendfile_min", config::sendfile_least(relay, config));
}

std::string source_of_thresholds(const Config& config) {
  return config.thresholds == config::Thresholds::kAuto ? "learnt while it runs"
                                                        : "measured: " + config::thresholds_file(config);
}

bool is_used(const Config& config, const std::string& upstream) {
  return std::any_of(config.routes.begin(), config.routes.end(),
                     [&](const config::Route& r) { return r.handler.proxy == upstream; }) ||
         std::any_of(config.listeners.begin(), config.listeners.end(),
                     [&](const config::Listener& l) { return l.upstream == upstream; });
}

}  // namespace

std::string summary_of(const Config& config) {
  Table workers, listeners, routes, upstreams, thresholds, user;
  workers.row(config.workers == 0 ? "one per usable processor" : std::to_string(config.workers), "");
  for (const config::Listener& l : config.listeners) {
    listeners.row(l.listen, listener_text(l));
  }
  for (const config::Route& route : config.routes) {
    routes.row(route.host + route.path, handler_text(route) + thresholds_text(route.relay, config));
  }
  for (const auto& [name, upstream] : config.upstreams) {
    upstreams.row(name,
                  upstream_text(upstream) + (is_used(config, name) ? "" : " (no route or listener uses it)"));
  }
  if (config.thresholds != config::Thresholds::kBuiltIn)
    thresholds.row(least_text("splice_min", config::splice_least({}, config)) + ", " +
                       least_text("sendfile_min", config::sendfile_least({}, config)),
                   source_of_thresholds(config));
  if (!config.user.empty()) user.row(config.user, "");
  return workers.text("workers") + listeners.text("listeners") + routes.text("routes") +
         upstreams.text("upstreams") + thresholds.text("thresholds") + user.text("user");
}

}  // namespace sluice::app
