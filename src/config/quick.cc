#include "config/quick.h"

#include <array>
#include <string_view>

#include "config/mistakes.h"
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
    {"routes[0].files.root", "DIR"},
    {"upstreams.origin.servers", "--to"},
});

Config common(const std::string& listen, const QuickOptions& options) {
  Config config;
  config.workers = options.workers;
  config.access_log.file = options.access_log;
  config.listeners.emplace_back();
  config.listeners.front().listen = listen;
  return config;
}

Route catch_all(const QuickOptions& options) {
  Route route;
  route.name = "all";
  route.path = "/";
  route.relay.path = options.path;
  route.server_timing = options.server_timing;
  return route;
}

void add_origin(Config& config, const std::vector<std::string>& to, Mistakes& mistakes) {
  Upstream origin;
  origin.name = "origin";
  for (const std::string& text : to) {
    std::string remedy;
    if (auto server = parse_server(text, remedy)) {
      origin.servers.push_back(std::move(*server));
    } else {
      mistakes.add("upstreams.origin.servers", remedy);
    }
  }
  config.upstreams[origin.name] = std::move(origin);
}

Config checked(Config config, Mistakes mistakes) {
  Mistakes consequences;
  check_ranges(config, consequences);
  check_references(config, consequences);
  mistakes.add_unless_known(consequences);
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
  Config config = common(listen, options);
  add_origin(config, to, mistakes);
  config.routes.push_back(catch_all(options));
  config.routes.front().handler.proxy = "origin";
  return checked(std::move(config), std::move(mistakes));
}

Config quick_serve(const std::string& directory, const std::string& listen, const QuickOptions& options) {
  Config config = common(listen, options);
  config.routes.push_back(catch_all(options));
  config.routes.front().handler.files.emplace();
  config.routes.front().handler.files->root = directory;
  return checked(std::move(config), {});
}

Config quick_tcp(const std::string& listen, const std::vector<std::string>& to, const QuickOptions& options) {
  Mistakes mistakes;
  Config config = common(listen, options);
  add_origin(config, to, mistakes);
  Listener& listener = config.listeners.front();
  listener.protocol = Protocol::kTcp;
  listener.upstream = "origin";
  listener.relay.path = options.path;
  return checked(std::move(config), std::move(mistakes));
}

}  // namespace sluice::config
