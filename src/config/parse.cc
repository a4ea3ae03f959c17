#include "config/parse.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "config/json_reader.h"
#include "config/json_text.h"
#include "config/keys.h"
#include "config/rules.h"
#include "config/server.h"

namespace sluice::config {
namespace {

using nlohmann::json;

// Reads each section of the file into its struct. Mistakes pile up; nothing stops at the first.
class Parser {
 public:
  Parser(std::string base_directory, Mistakes& mistakes)
      : base_directory_(std::move(base_directory)), mistakes_(mistakes) {}

  Config read(const json& document);

 private:
  Listener read_listener(const json& value, const std::string& place);
  Upstream read_upstream(const json& value, const std::string& name);
  Route read_route(const json& value, const std::string& place);
  Files read_files(const json& value, const std::string& place);
  Fixed read_fixed(const json& value, const std::string& place);
  Relay read_relay(const json* value, const std::string& place);
  Timeouts read_timeouts(const json& value);
  Limits read_limits(const json& value);
  AccessLog read_access_log(const json& value);
  void read_server(const json& value, const std::string& place, Upstream& upstream);

  // Calls `each(element, place)`; a value that is no list is a mistake.
  template <typename Each>
  void for_each(const json* list, const std::string& place, Each each) {
    if (list == nullptr) return;
    if (!list->is_array()) {
      mistakes_.add(place, "expected a list [...], not " + std::string(kind_of(*list)));
      return;
    }
    for (std::size_t i = 0; i < list->size(); ++i) each((*list)[i], place_at(place, i));
  }

  [[nodiscard]] std::string file_name(const std::string& name) const {
    const std::filesystem::path path(name);
    if (name.empty() || path.is_absolute() || base_directory_.empty()) return name;
    return (std::filesystem::path(base_directory_) / path).lexically_normal().string();
  }

  std::string base_directory_;
  Mistakes& mistakes_;
};

Config Parser::read(const json& document) {
  Config config;
  ObjectReader top(document, "", kTopSection, mistakes_);
  top.count("workers", config.workers);
  top.text("log_level", config.log_level);
  for_each(top.find("listeners"), "listeners", [&](const json& value, const std::string& place) {
    config.listeners.push_back(read_listener(value, place));
  });
  if (const json* upstreams = top.find("upstreams"); upstreams != nullptr && upstreams->is_object()) {
    for (const auto& [name, value] : upstreams->items()) config.upstreams[name] = read_upstream(value, name);
  } else if (upstreams != nullptr) {
    top.mistake("upstreams",
                R"(expected an object {"NAME": ["host:port"]}, not )" + std::string(kind_of(*upstreams)));
  }
  for_each(top.find("routes"), "routes", [&](const json& value, const std::string& place) {
    config.routes.push_back(read_route(value, place));
  });
  for_each(top.find("trusted"), "trusted", [&](const json& value, const std::string& place) {
    config.trusted.push_back(value.is_string() ? value.get<std::string>() : "");
    if (!value.is_string()) mistakes_.add(place, R"(expected an address block such as "10.0.0.0/8")");
  });
  if (const json* value = top.find("timeouts")) config.timeouts = read_timeouts(*value);
  if (const json* value = top.find("limits")) config.limits = read_limits(*value);
  if (const json* value = top.find("access_log")) config.access_log = read_access_log(*value);
  return config;
}

Listener Parser::read_listener(const json& value, const std::string& place) {
  Listener listener;
  ObjectReader reader(value, place, kListenerSection, mistakes_);
  reader.text("listen", listener.listen);
  reader.choice("protocol", listener.protocol, kProtocolNames);
  reader.text("upstream", listener.upstream);
  listener.relay = read_relay(reader.find("relay"), reader.place_of("relay"));
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
    for_each(&value, place, add);
    return upstream;
  }
  ObjectReader reader(value, place, kUpstreamSection, mistakes_);
  for_each(reader.find("servers"), reader.place_of("servers"), add);
  reader.count("max_fails", upstream.max_fails);
  reader.duration("fail_timeout", upstream.fail_timeout);
  reader.count("idle_connections", upstream.idle_connections);
  reader.duration("idle_timeout", upstream.idle_timeout);
  reader.duration("resolve_every", upstream.resolve_every);
  return upstream;
}

Route Parser::read_route(const json& value, const std::string& place) {
  Route route;
  route.path = "/";
  ObjectReader reader(value, place, kRouteSection, mistakes_);
  reader.text("host", route.host);
  for (char& c : route.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;  // RFC 3986, 3.2.2
  reader.text("path", route.path);
  route.name = route.host + route.path;
  reader.text("name", route.name);

  reader.text("proxy", route.handler.proxy);
  if (const json* proxy = reader.find("proxy");
      proxy != nullptr && proxy->is_string() && route.handler.proxy.empty()) {
    reader.mistake("proxy", "is empty: write the name of an upstream");
  }
  if (const json* files = reader.find("files"))
    route.handler.files = read_files(*files, reader.place_of("files"));
  if (const json* fixed = reader.find("respond")) {
    route.handler.fixed = read_fixed(*fixed, reader.place_of("respond"));
  }
  reader.flag("status", route.handler.status);

  route.relay = read_relay(reader.find("relay"), reader.place_of("relay"));
  reader.flag("strip_prefix", route.strip_prefix);
  reader.flag("server_timing", route.server_timing);
  reader.choice("forwarded", route.forwarded, kForwardedNames);
  reader.choice("host_header", route.host_header, kHostHeaderNames);
  reader.size("body_limit", route.body_limit);
  return route;
}

// "files": "www", or "files": {"root": "www", ...}
Files Parser::read_files(const json& value, const std::string& place) {
  Files files;
  if (value.is_string()) {
    files.root = file_name(value.get<std::string>());
    return files;
  }
  ObjectReader reader(value, place, kFilesSection, mistakes_);
  reader.text("root", files.root);
  files.root = file_name(files.root);
  reader.text("index", files.index);
  reader.duration("revalidate", files.revalidate);
  reader.count("open_files", files.open_files);
  return files;
}

// "respond": 404, or "respond": {"status": 404, ...}
Fixed Parser::read_fixed(const json& value, const std::string& place) {
  Fixed fixed;
  if (value.is_number()) {
    const bool whole = value.is_number_unsigned() && value.get<std::uint64_t>() <= 999;
    if (!whole) mistakes_.add(place, value.dump() + " is no status: write 200 to 599");
    if (whole) fixed.status = value.get<int>();
    return fixed;
  }
  ObjectReader reader(value, place, kRespondSection, mistakes_);
  reader.count("status", fixed.status);
  reader.text("body", fixed.body);
  reader.text("content_type", fixed.content_type);
  reader.text("location", fixed.location);
  return fixed;
}

Relay Parser::read_relay(const json* value, const std::string& place) {
  Relay relay;
  if (value == nullptr) return relay;
  ObjectReader reader(*value, place, kRelaySection, mistakes_);
  reader.choice("path", relay.path, kPathNames);
  reader.size("splice_min", relay.splice_min);
  reader.size("sendfile_min", relay.sendfile_min);
  return relay;
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
  reader.count("clients", limits.clients);
  return limits;
}

// "access_log": "access.log", or "access_log": {"file": "access.log", ...}
AccessLog Parser::read_access_log(const json& value) {
  AccessLog log;
  if (value.is_string()) {
    log.file = value.get<std::string>();
  } else {
    ObjectReader reader(value, "access_log", kAccessLogSection, mistakes_);
    reader.text("file", log.file);
    reader.count("queue", log.queue);
  }
  if (log.file != "-") log.file = file_name(log.file);
  return log;
}

}  // namespace

Config parse(std::string_view text, const std::string& base_directory) {
  Mistakes mistakes;
  const json document = read_json(text, mistakes);
  if (document.is_null() && !mistakes.empty()) mistakes.throw_if_any();
  Config config = Parser(base_directory, mistakes).read(document);
  Mistakes consequences;
  check_ranges(config, consequences);
  check_references(config, consequences);
  mistakes.add_unless_known(consequences);
  mistakes.throw_if_any();
  return config;
}

}  // namespace sluice::config
