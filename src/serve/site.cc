#include "serve/site.h"

#include <algorithm>
#include <variant>

#include "config/thresholds.h"

namespace sluice::serve {

relay::Policy policy_of(const config::Relay& relay, const config::Config& config) noexcept {
  relay::Policy policy{.splice_min = config::splice_least(relay, config).size,
                       .sendfile_min = config::sendfile_least(relay, config).size};
  switch (relay.path) {
    case config::Path::kAuto:
      policy.force = relay::Force::kNothing;
      break;
    case config::Path::kBuffered:
      policy.force = relay::Force::kBuffered;
      break;
    case config::Path::kSplice:
      policy.force = relay::Force::kSplice;
      break;
    case config::Path::kSendfile:
      policy.force = relay::Force::kSendfile;
      break;
    case config::Path::kMmap:
      policy.force = relay::Force::kMmap;
      break;
  }
  return policy;
}

namespace {

void take_turn(relay::Learner& learner, relay::Policy& policy) noexcept {
  const relay::Turn turn = learner.turn();
  if (turn != relay::Turn::kNone) policy.learner = &learner;
  policy.contrary = turn == relay::Turn::kContrary;
}

}  // namespace

relay::Policy Route::policy_of_stream() const noexcept {
  relay::Policy one = policy;
  if (socket_learner == nullptr) return one;
  one.splice_min = socket_learner->threshold();
  take_turn(*socket_learner, one);
  return one;
}

relay::Policy Route::policy_of_pieces(const relay::Body& body) const noexcept {
  relay::Policy one = policy;
  if (file_learner == nullptr) return one;
  one.sendfile_min = file_learner->threshold();
  // Parts of a file, and what is made here, cost something of their own.
  if (body.size() == 1 && std::holds_alternative<relay::FileRange>(body.front()))
    take_turn(*file_learner, one);
  return one;
}

std::uint16_t https_port_of(const std::vector<config::Listener>& listeners) {
  constexpr std::uint16_t kUsual = 443;  // also where something in front of us ends TLS
  std::uint16_t first = 0;
  for (const config::Listener& listener : listeners) {
    if (!listener.tls || listener.protocol != config::Protocol::kHttp) continue;
    const auto address = os::Address::parse(listener.listen);
    if (!address || address->port() == 0) continue;
    if (address->port() == kUsual) return kUsual;
    if (first == 0) first = address->port();
  }
  return first != 0 ? first : kUsual;
}

Site::Site(loop::EventLoop& loop, loop::Offload& files, loop::Offload& names, content::OpenFiles& open_files,
           relay::Learners& learners, const Snapshot& snapshot, const Site* previous)
    : config_(snapshot.config),
      tls_(snapshot.tls),
      services_(snapshot.services),
      router_(config_->routes),
      https_port_(https_port_of(config_->listeners)) {
  for (const auto& [name, upstream] : config_->upstreams) {
    std::shared_ptr<upstream::Group> old = previous == nullptr ? nullptr : previous->find_group(name);
    const auto encrypted = tls_->upstreams.find(name);
    auto context = encrypted == tls_->upstreams.end() ? nullptr : encrypted->second;
    if (old == nullptr || !(old->config() == upstream) || old->tls() != context.get())
      old = std::make_shared<upstream::Group>(loop, names, upstream, old.get(), std::move(context));
    groups_.emplace(name, std::move(old));
  }
  open_logs(loop, files, previous);
  for (const config::Route& route : config_->routes) {
    Route entry{.config = &route, .policy = policy_of(route.relay, *config_)};
    const auto ask = [](const config::Least& least, relay::Learner& learner) {
      if (!least.learnt) return static_cast<relay::Learner*>(nullptr);
      learner.use();
      return &learner;
    };
    if (route.relay.path == config::Path::kAuto) {
      entry.socket_learner = ask(config::splice_least(route.relay, *config_), learners.sockets);
      entry.file_learner = ask(config::sendfile_least(route.relay, *config_), learners.files);
    }
    if (!route.handler.proxy.empty()) entry.group = group(route.handler.proxy);
    if (route.handler.files)
      entry.files = std::make_unique<content::StaticFiles>(*route.handler.files, open_files);
    if (route.handler.log) entry.log = log(route.handler.log->directory);
    routes_.push_back(std::move(entry));
  }
  for (const std::string& cidr : config_->trusted) {
    std::string remedy;  // validate() has refused malformed ones
    if (const auto parsed = config::Cidr::parse(cidr, remedy)) trusted_.push_back(*parsed);
  }
}

// Listeners and routes that name the same directory share what is open of it.
void Site::open_logs(loop::EventLoop& loop, loop::Offload& files, const Site* previous) {
  std::map<std::string, std::size_t> capacities;
  for (const config::Listener& listener : config_->listeners)
    if (listener.kafka) capacities[listener.kafka->log] += listener.kafka->open_segments;
  for (const config::Route& route : config_->routes)
    if (route.handler.log) capacities[route.handler.log->directory] += route.handler.log->open_segments;
  for (const auto& [path, capacity] : capacities) {
    const std::shared_ptr<log::Directory>& directory = services_->logs.at(path);
    std::shared_ptr<LogAccess> access = previous == nullptr ? nullptr : previous->find_log(path);
    if (access == nullptr || &access->directory() != directory.get() || access->capacity() != capacity)
      access = std::make_shared<LogAccess>(loop, files, directory, capacity);
    logs_.emplace(path, std::move(access));
  }
}

std::shared_ptr<LogAccess> Site::find_log(const std::string& directory) const {
  const auto found = logs_.find(directory);
  return found == logs_.end() ? nullptr : found->second;
}

LogAccess* Site::log(const std::string& directory) const { return find_log(directory).get(); }

std::size_t Site::open_segments() const noexcept {
  std::size_t sum = 0;
  for (const auto& [path, access] : logs_) sum += access->reader().open_segments();
  return sum;
}

const Route* Site::match(std::string_view host, std::string_view path) const noexcept {
  const std::size_t found = router_.match(host, path);
  return found == Router::npos ? nullptr : &routes_[found];
}

std::shared_ptr<upstream::Group> Site::find_group(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : found->second;
}

upstream::Group* Site::group(const std::string& name) const { return find_group(name).get(); }

bool Site::trusts(const os::Address& client) const noexcept {
  return std::any_of(trusted_.begin(), trusted_.end(),
                     [&](const config::Cidr& c) { return c.contains(client); });
}

std::size_t Site::idle_connections() const noexcept {
  std::size_t sum = 0;
  for (const auto& [name, group] : groups_) sum += group->idle();
  return sum;
}

}  // namespace sluice::serve
