#include "config/parse.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/json_reader.h"
#include "config/json_text.h"
#include "config/keys.h"
#include "config/read_context.h"
#include "config/read_kafka.h"
#include "config/read_route.h"
#include "config/read_tls.h"
#include "config/rules.h"
#include "config/server.h"
#include "config/thresholds.h"

namespace sluice::config {
namespace {

using nlohmann::json;

// The topic of the access log stands with those that are served, unless the file says where.
void add_log_directory(Config& config) {
  if (config.access_log.topic.empty() || !config.access_log.directory.empty()) return;
  const auto served = std::find_if(config.listeners.begin(), config.listeners.end(),
                                   [](const Listener& listener) { return listener.kafka.has_value(); });
  if (served != config.listeners.end()) config.access_log.directory = served->kafka->log;
}

// Reads each section of the file into its struct. Mistakes pile up; nothing stops at the first.
class Parser {
 public:
  Parser(std::string base_directory, Mistakes& mistakes)
      : context_{std::move(base_directory), mistakes}, mistakes_(mistakes) {}

  Config read(const json& document);

 private:
  Listener read_listener(const json& value, const std::string& place);
  Upstream read_upstream(const json& value, const std::string& name);
  Timeouts read_timeouts(const json& value);
  Limits read_limits(const json& value);
  Http2 read_http2(const json& value);
  AccessLog read_access_log(const json& value);
  void read_server(const json& value, const std::string& place, Upstream& upstream);

  ReadContext context_;
  Mistakes& mistakes_;
};

Config Parser::read(const json& document) {
  Config config;
  ObjectReader top(document, "", kTopSection, mistakes_);
  top.count("workers", config.workers);
  top.text("log_level", config.log_level);
  top.text("user", config.user);
  top.duration("certificate_check", config.certificate_check);
  context_.for_each(top.find("listeners"), "listeners", [&](const json& value, const std::string& place) {
    config.listeners.push_back(read_listener(value, place));
  });
  if (const json* upstreams = top.find("upstreams"); upstreams != nullptr && upstreams->is_object()) {
    for (const auto& [name, value] : upstreams->items()) config.upstreams[name] = read_upstream(value, name);
  } else if (upstreams != nullptr) {
    top.mistake("upstreams",
                R"(expected an object {"NAME": ["host:port"]}, not )" + std::string(kind_of(*upstreams)));
  }
  context_.for_each(top.find("routes"), "routes", [&](const json& value, const std::string& place) {
    config.routes.push_back(read_route(value, place, context_));
  });
  context_.for_each(top.find("trusted"), "trusted", [&](const json& value, const std::string& place) {
    config.trusted.push_back(value.is_string() ? value.get<std::string>() : "");
    if (!value.is_string()) mistakes_.add(place, R"(expected an address block such as "10.0.0.0/8")");
  });
  if (const json* value = top.find("timeouts")) config.timeouts = read_timeouts(*value);
  if (const json* value = top.find("limits")) config.limits = read_limits(*value);
  if (const json* value = top.find("http2")) config.http2 = read_http2(*value);
  if (const json* value = top.find("access_log")) config.access_log = read_access_log(*value);
  top.choice("thresholds", config.thresholds, kThresholdsNames);
  context_.file(top, "thresholds_file", config.thresholds_file);
  add_log_directory(config);
  if (uses_measured(config)) config.measured = read_measured(config, mistakes_);
  return config;
}

Listener Parser::read_listener(const json& value, const std::string& place) {
  Listener listener;
  ObjectReader reader(value, place, kListenerSection, mistakes_);
  reader.text("listen", listener.listen);
  reader.choice("protocol", listener.protocol, kProtocolNames);
  reader.text("upstream", listener.upstream);
  if (const json* kafka = reader.find("kafka")) {
    listener.kafka = read_kafka(*kafka, reader.place_of("kafka"), context_);
  }
  listener.relay = read_relay(reader.find("relay"), reader.place_of("relay"), context_);
  if (const json* tls = reader.find("tls")) {
    listener.tls = read_listener_tls(*tls, reader.place_of("tls"), context_);
  }
  reader.flag("redirect_https", listener.redirect_https);
  return listener;
}

void Parser::read_server(const json& value, const std::string& place, Upstream& upstream) {
  std::string remedy = R"(expected text such as "127.0.0.1:9001", not )" + std::string(kind_of(value));
  std::optional<Server> server;
  if (value.is_string()) server = parse_server(value.get_ref<const std::string&>(), remedy);
  if (server) {
    upstream.servers.push_back(std::move(*server));
  } else {
    mistakes_.add(place, remedy);
  }
}

// "db": "host:port", "db": ["host:port", ...], or "db": {"servers": [...], ...}
Upstream Parser::read_upstream(const json& value, const std::string& name) {
  Upstream upstream;
  upstream.name = name;
  const std::string place = "upstreams." + name;
  const auto add = [&](const json& server, const std::string& where) {
    read_server(server, where, upstream);
  };
  if (value.is_string()) {
    add(value, place);
    return upstream;
  }
  if (value.is_array()) {
    context_.for_each(&value, place, add);
    return upstream;
  }
  ObjectReader reader(value, place, kUpstreamSection, mistakes_);
  context_.for_each(reader.find("servers"), reader.place_of("servers"), add);
  reader.count("max_fails", upstream.max_fails);
  reader.duration("fail_timeout", upstream.fail_timeout);
  reader.count("idle_connections", upstream.idle_connections);
  reader.duration("idle_timeout", upstream.idle_timeout);
  reader.duration("resolve_every", upstream.resolve_every);
  reader.choice("protocol", upstream.protocol, kUpstreamProtocolNames);
  if (const json* tls = reader.find("tls")) {
    upstream.tls = read_upstream_tls(*tls, reader.place_of("tls"), context_);
  }
  return upstream;
}

Timeouts Parser::read_timeouts(const json& value) {
  Timeouts timeouts;
  ObjectReader reader(value, "timeouts", kTimeoutsSection, mistakes_);
  reader.duration("head", timeouts.head);
  reader.duration("keep_alive", timeouts.keep_alive);
  reader.duration("body_idle", timeouts.body_idle);
  reader.duration("connect", timeouts.connect);
  reader.duration("first_byte", timeouts.first_byte);
  reader.duration("tunnel_idle", timeouts.tunnel_idle);
  reader.duration("linger", timeouts.linger);
  reader.duration("handshake", timeouts.handshake);
  reader.duration("drain", timeouts.drain);
  return timeouts;
}

Limits Parser::read_limits(const json& value) {
  Limits limits;
  ObjectReader reader(value, "limits", kLimitsSection, mistakes_);
  reader.size("head", limits.head);
  reader.size("target", limits.target);
  reader.size("body", limits.body);
  reader.size("relay_buffer", limits.relay_buffer);
  reader.size("pipe", limits.pipe);
  reader.count("pipes", limits.pipes);
  reader.count("handshakes", limits.handshakes);
  reader.count("clients", limits.clients);
  return limits;
}

Http2 Parser::read_http2(const json& value) {
  Http2 http2;
  ObjectReader reader(value, "http2", kHttp2Section, mistakes_);
  reader.count("streams", http2.streams);
  reader.count("resets", http2.resets);
  reader.count("control_frames", http2.control_frames);
  reader.duration("window", http2.window);
  return http2;
}

// "access_log": "access.log", or "access_log": {"file": "access.log", ...}, or {"topic": "access", ...}
AccessLog Parser::read_access_log(const json& value) {
  AccessLog log;
  if (value.is_string()) {
    log.file = value.get<std::string>();
  } else {
    ObjectReader reader(value, "access_log", kAccessLogSection, mistakes_);
    reader.text("file", log.file);
    reader.text("topic", log.topic);
    context_.file(reader, "directory", log.directory);
    reader.size("retain", log.retain);
    reader.count("queue", log.queue);
  }
  if (log.file != "-") log.file = context_.file_name(log.file);
  return log;
}

}  // namespace

Config parse(std::string_view text, const std::string& base_directory, const MoreRules& more) {
  Mistakes mistakes;
  const json document = read_json(text, mistakes);
  if (document.is_null() && !mistakes.empty()) mistakes.throw_if_any();
  Config config = Parser(base_directory, mistakes).read(document);
  add_consequences(config, more, mistakes);
  mistakes.throw_if_any();
  return config;
}

}  // namespace sluice::config
