// One configuration at work in one worker: routes with their handlers, upstreams with their pools.
//
// A reload makes a new Site; exchanges and tunnels under way keep the old one alive by shared_ptr until they
// end. Upstreams whose configuration did not change move over with their connections and health. Errors the
// constructor throws std::runtime_error (a file root that can't be opened).
// Thread    the worker's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/cidr.h"
#include "config/config.h"
#include "content/open_files.h"
#include "content/static_files.h"
#include "relay/body.h"
#include "relay/learner.h"
#include "relay/policy.h"
#include "serve/log_access.h"
#include "serve/router.h"
#include "serve/snapshot.h"
#include "upstream/group.h"

namespace sluice::serve {

// `config`: says where thresholds come from, if `relay` doesn't.
relay::Policy policy_of(const config::Relay& relay, const config::Config& config) noexcept;
// See Site::https_port().
std::uint16_t https_port_of(const std::vector<config::Listener>& listeners);

struct Route {
  const config::Route* config;
  relay::Policy policy;
  // Where its thresholds come from; null: they are the policy's.
  relay::Learner* socket_learner = nullptr;
  relay::Learner* file_learner = nullptr;
  upstream::Group* group = nullptr;             // proxy
  std::unique_ptr<content::StaticFiles> files;  // files
  LogAccess* log = nullptr;                     // log

  // The policy of one body that begins now, and may have to serve a learner. Each call counts as one.
  [[nodiscard]] relay::Policy policy_of_stream() const noexcept;
  [[nodiscard]] relay::Policy policy_of_pieces(const relay::Body& body) const noexcept;
};

class Site {
 public:
  // `files` and `names`: the pools for what may block. `learners`: the worker's, which outlive this.
  Site(loop::EventLoop& loop, loop::Offload& files, loop::Offload& names, content::OpenFiles& open_files,
       relay::Learners& learners, const Snapshot& snapshot, const Site* previous);

  [[nodiscard]] const config::Config& config() const noexcept { return *config_; }
  [[nodiscard]] const tls::Contexts& tls() const noexcept { return *tls_; }
  // Null: no route.
  [[nodiscard]] const Route* match(std::string_view host, std::string_view path) const noexcept;
  [[nodiscard]] upstream::Group* group(const std::string& name) const;
  // The configuration names it: not null.
  [[nodiscard]] LogAccess* log(const std::string& directory) const;
  [[nodiscard]] std::shared_ptr<groups::Coordinator> coordinator(const config::Kafka& kafka) const {
    return services_->coordinator(kafka);
  }
  // Whether the client's own forwarding fields are believed.
  [[nodiscard]] bool trusts(const os::Address& client) const noexcept;
  // Where a listener with redirect_https sends to: the port of the first http listener with TLS, 443 before others.
  [[nodiscard]] std::uint16_t https_port() const noexcept { return https_port_; }
  [[nodiscard]] std::size_t idle_connections() const noexcept;
  [[nodiscard]] std::size_t open_segments() const noexcept;

 private:
  void open_logs(loop::EventLoop& loop, loop::Offload& files, const Site* previous);
  [[nodiscard]] std::shared_ptr<LogAccess> find_log(const std::string& directory) const;
  [[nodiscard]] std::shared_ptr<upstream::Group> find_group(const std::string& name) const;

  const std::shared_ptr<const config::Config> config_;
  const std::shared_ptr<const tls::Contexts> tls_;
  const std::shared_ptr<const Services> services_;
  std::map<std::string, std::shared_ptr<upstream::Group>> groups_;
  std::map<std::string, std::shared_ptr<LogAccess>> logs_;
  std::vector<Route> routes_;
  Router router_;
  std::vector<config::Cidr> trusted_;
  const std::uint16_t https_port_;
};

}  // namespace sluice::serve
