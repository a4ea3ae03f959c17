// A TCP listener's connection: pick a server, connect, relay both ways. No protocol is looked at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "os/address.h"
#include "relay/channel.h"
#include "serve/client.h"
#include "serve/tunnel.h"
#include "serve/worker_state.h"
#include "upstream/connection.h"

namespace sluice::serve {

class TcpSession final : public Session,
                         private relay::ChannelHandler,
                         private loop::Deadline,
                         private loop::Deferred {
 public:
  static void accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                     const os::Address& peer);
  // On a channel that is established already: TLS ends here. `listener` is of `site`. Call start() as the last thing.
  static TcpSession* begin(WorkerState& state, const std::shared_ptr<const Site>& site,
                           const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                           const os::Address& peer, const Secured& secured);
  void start() { find_server(); }
  ~TcpSession() override;

  void begin_drain() override {}  // it runs until it ends or the drain's deadline cuts it
  void cut() override { end(observe::Ending::kDrained, true); }

 private:
  TcpSession(WorkerState& state, const std::shared_ptr<const Site>& site, const config::Listener& listener,
             std::unique_ptr<relay::Channel> client, const os::Address& peer, const Secured& secured);
  void on_channel(relay::Channel& channel) override;
  void on_deadline() override;
  void run_deferred() override { drive(); }

  void find_server();
  void server_failed();
  void drive();
  void end(observe::Ending ending, bool reset);
  void log(observe::Ending ending) const;

  WorkerState& state_;
  const std::shared_ptr<const Site> site_;
  const os::Address peer_;
  const Secured secured_;
  const relay::Policy policy_;
  upstream::Group* const group_;
  const os::Time began_;
  const os::WallTime wall_;
  std::chrono::microseconds connect_time_{-1};

  const std::unique_ptr<relay::Channel> client_;
  relay::Buffer held_;
  std::shared_ptr<upstream::Server> picked_;
  std::unique_ptr<upstream::Connection> server_;
  std::vector<upstream::Server*> tried_;
  std::string upstream_name_;  // of the last server tried
  std::shared_ptr<void> resolving_;
  std::unique_ptr<Tunnel> tunnel_;
};

}  // namespace sluice::serve
