#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "config/cidr.h"
#include "config/names.h"
#include "config/parse.h"
#include "config/rules.h"
#include "config/server.h"
#include "config/suggest.h"
#include "os/address.h"
#include "os/file.h"

namespace sluice::config {
namespace {

void check_upstream(const std::string& name, const Upstream& upstream, Mistakes& mistakes) {
  const std::string place = "upstreams." + name;
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (name.empty() || name.size() > 64 || !printable) {
    mistakes.add(place, "a name has 1 to 64 visible ASCII characters");
  }
  if (upstream.servers.empty()) {
    mistakes.add(place + ".servers", R"(no server: write at least one, "servers": ["host:port"])");
  }
  for (std::size_t i = 0; i < upstream.servers.size(); ++i) {
    std::string remedy;
    if (!parse_server(server_text(upstream.servers[i]), remedy)) {
      mistakes.add(place_at(place + ".servers", i), remedy);
    }
  }
  if (upstream.tls) check_upstream_tls(place + ".tls", *upstream.tls, mistakes);
}

void check_listener(const Config& config, std::size_t index, Mistakes& mistakes) {
  const Listener& listener = config.listeners[index];
  const std::string place = place_at("listeners", index);
  const std::optional<os::Address> address = os::Address::parse(listener.listen);
  if (listener.listen.empty()) {
    mistakes.add(place + ".listen", R"(missing: write "listen": "127.0.0.1:7000")");
  } else if (!address) {
    mistakes.add(place + ".listen",
                 in_quotes(listener.listen) +
                     R"( is no address with a port: write "127.0.0.1:7000", "[::1]:7000", )"
                     R"(or ":7000" for all addresses)");
  } else if (address->port() == 0 && config.workers != 1) {
    mistakes.add(place + ".listen",
                 "with port 0 each worker would get another port: write a port, or \"workers\": 1");
  } else if (address->port() != 0) {
    for (std::size_t before = 0; before < index; ++before) {
      const auto other = os::Address::parse(config.listeners[before].listen);
      if (!other || !(*other == *address)) continue;
      mistakes.add(place + ".listen", listener.listen + " is taken by " + place_at("listeners", before) +
                                          " already: change the port or remove one of them");
      break;
    }
  }

  if (listener.tls) check_listener_tls(place + ".tls", listener, mistakes);
  if (listener.redirect_https && listener.tls) {
    mistakes.add(place + ".redirect_https",
                 "this listener speaks https already: write it at the one without \"tls\"");
  } else if (listener.redirect_https && listener.protocol != Protocol::kHttp) {
    mistakes.add(place + ".redirect_https", "is for http listeners: leave it out");
  }

  if (listener.protocol == Protocol::kKafka) {
    check_kafka_listener(config, index, mistakes);
    return;
  }
  if (listener.kafka)
    mistakes.add(place + ".kafka", R"(is for kafka listeners: add "protocol": "kafka", or leave it out)");
  if (listener.protocol == Protocol::kTcp) {
    if (listener.upstream.empty()) {
      mistakes.add(place + ".upstream", "missing: a tcp listener needs the name of an upstream");
    } else {
      check_upstream_name(config, place + ".upstream", listener.upstream, mistakes);
    }
    return;
  }
  if (!listener.upstream.empty()) {
    mistakes.add(place + ".upstream",
                 R"(is for tcp listeners: add "protocol": "tcp" here, or write a route with "proxy")");
  }
  if (listener.relay != Relay{}) {
    mistakes.add(place + ".relay",
                 "is for tcp and kafka listeners: an http listener takes it from each route");
  }
}

}  // namespace

void check_upstream_name(const Config& config, const std::string& place, const std::string& name,
                         Mistakes& mistakes) {
  if (config.upstreams.contains(name)) return;
  std::vector<std::string_view> names;
  for (const auto& entry : config.upstreams) names.push_back(entry.first);
  const std::string_view near = nearest(name, names);
  mistakes.add(place,
               "no upstream is named " + in_quotes(name) +
                   (near.empty() ? R"(: write "upstreams": {)" + in_quotes(name) + R"(: ["host:port"]})"
                                 : ": did you mean " + in_quotes(near) + "?"));
}

void check_directory(const std::string& place, const std::string& directory, Mistakes& mistakes) {
  const os::FileOr opened = os::open_directory(directory);
  if (opened.fd.valid()) return;
  mistakes.add(place, "can't open the directory " + in_quotes(directory) + ": " +
                          std::generic_category().message(opened.error) + "; create it or correct the name");
}

void check_file_to_write(const std::string& place, const std::string& file, Mistakes& mistakes) {
  std::error_code error;
  const std::filesystem::path path(file);
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  if (std::filesystem::is_directory(path, error)) {
    mistakes.add(place, in_quotes(file) + " is a directory: write the name of a file in it");
  } else if (!std::filesystem::is_directory(parent, error)) {
    mistakes.add(place, "there is no directory " + in_quotes(parent.string()) + ": create it first");
  }
}

std::string place_at(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

void check_references(const Config& config, Mistakes& mistakes) {
  if (config.listeners.empty()) {
    mistakes.add("listeners", R"(none: write "listeners": [{"listen": "127.0.0.1:7000"}])");
  }
  for (std::size_t i = 0; i < config.listeners.size(); ++i) check_listener(config, i, mistakes);
  for (const auto& [name, upstream] : config.upstreams) check_upstream(name, upstream, mistakes);
  const bool http = std::any_of(config.listeners.begin(), config.listeners.end(),
                                [](const Listener& l) { return l.protocol == Protocol::kHttp; });
  if (http && config.routes.empty()) {
    mistakes.add("routes",
                 R"(none, but there is an http listener: write "routes": [{"path": "/", "proxy": "NAME"}])");
  }
  check_routes(config, mistakes);
  for (std::size_t i = 0; i < config.trusted.size(); ++i) {
    std::string remedy;
    if (!Cidr::parse(config.trusted[i], remedy)) mistakes.add(place_at("trusted", i), remedy);
  }
  if (const std::string& file = config.access_log.file; !file.empty() && file != "-")
    check_file_to_write("access_log.file", file, mistakes);
  check_access_topic(config.access_log, mistakes);
  if (std::any_of(config.user.begin(), config.user.end(), [](char c) { return c <= 0x20 || c == 0x7f; })) {
    mistakes.add("user", in_quotes(config.user) + " is no name of a user: write one such as \"www-data\"");
  }
  if (std::find(kLogLevels.begin(), kLogLevels.end(), config.log_level) == kLogLevels.end()) {
    std::string words;
    for (const std::string_view level : kLogLevels) words += (words.empty() ? "" : ", ") + in_quotes(level);
    mistakes.add("log_level", in_quotes(config.log_level) + " is not known: write one of " + words);
  }
}

void add_consequences(const Config& config, const MoreRules& more, Mistakes& mistakes) {
  Mistakes consequences;
  check_ranges(config, consequences);
  check_references(config, consequences);
  mistakes.add_unless_known(consequences);
  if (!more) return;
  Mistakes others;
  more(config, others);
  mistakes.add_unless_known(others);
}

void validate(const Config& config) {
  Mistakes mistakes;
  check_ranges(config, mistakes);
  check_references(config, mistakes);
  mistakes.throw_if_any();
}

}  // namespace sluice::config
