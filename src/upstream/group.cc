#include "upstream/group.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "os/resolve.h"
#include "upstream/connection.h"

namespace sluice::upstream {

Group::Group(loop::EventLoop& loop, loop::Offload& offload, const config::Upstream& config,
             const Group* previous, std::shared_ptr<const tls::ClientContext> tls)
    : loop_(loop), offload_(offload), config_(config), tls_(std::move(tls)) {
  for (const config::Server& server : config.servers) {
    auto entry = std::make_unique<Entry>();
    entry->group = this;
    entry->config = server;
    const bool v6 = server.host.find(':') != std::string::npos;
    const auto address =
        os::Address::parse((v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port));
    if (address) {
      entry->literal = entry->resolved = true;
      take_addresses(*entry, {*address});
    } else if (previous != nullptr) {
      inherit(*entry, *previous);
    }
    entries_.push_back(std::move(entry));
  }
  collect();
  for (const auto& entry : entries_) {
    if (!entry->literal) look_up(*entry);
  }
}

Group::~Group() {
  for (const auto& server : servers_) server->retire();
}

void Group::inherit(Entry& entry, const Group& previous) {
  for (const auto& old : previous.entries_) {
    if (old->literal || !(old->config == entry.config)) continue;
    std::vector<os::Address> addresses;
    for (const auto& server : old->servers) addresses.push_back(server->address());
    return take_addresses(entry, addresses);
  }
}

void Group::look_up(Entry& entry) {
  struct Answer {
    std::vector<os::Address> addresses;
    std::string error;
  };
  const auto answer = std::make_shared<Answer>();
  const auto done = [this, &entry, answer] {
    entry.ticket.drop();
    entry.resolved = true;
    const bool failing = answer->addresses.empty();
    if (failing && !entry.failing) {  // told once, and once when it is over
      spdlog::warn("upstream {}: {} can't be resolved: {}; {}", config_.name, entry.config.host,
                   answer->error, entry.servers.empty() ? "it has no address" : "its last addresses stay");
    } else if (!failing && entry.failing) {
      spdlog::info("upstream {}: {} is resolved again", config_.name, entry.config.host);
    }
    entry.failing = failing;
    if (!failing) {
      take_addresses(entry, answer->addresses);
      collect();
    }
    loop_.deadlines().set(entry, loop_.now() + config_.resolve_every);
    if (resolving()) return;
    for (const auto& [token, ready] : std::exchange(waiting_, {})) {
      if (!token.expired()) ready();
    }
  };
  const bool queued = offload_.run(
      loop_, entry.ticket,
      [answer, server = entry.config] {
        answer->addresses = os::resolve(server.host, server.port, answer->error);
      },
      done);
  if (!queued) loop_.deadlines().set(entry, loop_.now() + std::chrono::seconds(1));
}

void Group::take_addresses(Entry& entry, const std::vector<os::Address>& addresses) {
  std::vector<std::shared_ptr<Server>> fresh;
  for (const os::Address& address : addresses) {
    const auto known = std::find_if(entry.servers.begin(), entry.servers.end(),
                                    [&](const auto& server) { return server->address() == address; });
    fresh.push_back(known != entry.servers.end()
                        ? *known
                        : std::make_shared<Server>(address, config_, entry.config.host, tls_));
  }
  for (const auto& old : entry.servers) {
    if (std::find(fresh.begin(), fresh.end(), old) == fresh.end()) old->retire();
  }
  entry.servers = std::move(fresh);
}

void Group::collect() {
  servers_.clear();
  for (const auto& entry : entries_)
    servers_.insert(servers_.end(), entry->servers.begin(), entry->servers.end());
}

std::shared_ptr<Server> Group::pick(const std::vector<Server*>& tried) {
  const auto untried = [&](const Server* server) {
    return std::find(tried.begin(), tried.end(), server) == tried.end();
  };
  // An only server is never taken for down: refusing everybody would help nobody.
  if (servers_.size() == 1) return untried(servers_.front().get()) ? servers_.front() : nullptr;
  const os::Time now = loop_.now();
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const auto& server = servers_[next_++ % servers_.size()];
    if (untried(server.get()) && server->take_turn(now)) return server;
  }
  return nullptr;
}

bool Group::resolving() const noexcept {
  return servers_.empty() &&
         std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return !entry->resolved; });
}

std::shared_ptr<void> Group::when_resolved(std::function<void()> ready) {
  auto token = std::make_shared<char>();
  waiting_.emplace_back(token, std::move(ready));
  return token;
}

std::size_t Group::idle() const noexcept {
  std::size_t sum = 0;
  for (const auto& server : servers_) sum += server->idle();
  return sum;
}

}  // namespace sluice::upstream
