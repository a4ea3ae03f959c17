#include "serve/tcp_session.h"

#include <spdlog/spdlog.h>

#include <cerrno>

#include "os/shortage.h"
#include "os/socket.h"
#include "relay/socket_channel.h"

namespace sluice::serve {

void TcpSession::accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                        const os::Address& peer) {
  auto client = std::make_unique<relay::SocketChannel>();
  if (!client->attach(state.loop, std::move(fd))) return state.counters.turned_away.add();
  begin(state, state.site, listener, std::move(client), peer, {})->start();
}

TcpSession* TcpSession::begin(WorkerState& state, const std::shared_ptr<const Site>& site,
                              const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                              const os::Address& peer, const Secured& secured) {
  auto* session = new TcpSession(state, site, listener, std::move(client), peer,
                                 secured);  // owned by itself: see Session
  state.begin_session(*session);
  state.counters.tunnels.add();
  return session;
}

TcpSession::TcpSession(WorkerState& state, const std::shared_ptr<const Site>& site,
                       const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                       const os::Address& peer, const Secured& secured)
    : state_(state),
      site_(site),
      peer_(peer),
      secured_(secured),
      policy_(policy_of(listener.relay, site->config())),
      group_(site_->group(listener.upstream)),
      began_(state.loop.now()),
      wall_(os::wall_now()),
      client_(std::move(client)) {
  client_->set_handler(*this);
}

TcpSession::~TcpSession() = default;

void TcpSession::find_server() {
  state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.connect);
  if (group_->resolving()) {
    resolving_ = group_->when_resolved([this] {
      resolving_.reset();
      find_server();
    });
    return;
  }
  for (;;) {
    picked_ = group_->pick(tried_);
    if (picked_ == nullptr) {
      return end(tried_.empty() ? observe::Ending::kNoServer : observe::Ending::kConnectFailed, true);
    }
    tried_.push_back(picked_.get());
    upstream_name_ = picked_->name();
    int error = 0;
    server_ = upstream::Connection::open_own(state_.means(), picked_, *this, error);
    if (server_ != nullptr) {
      state_.counters.upstream_connects.add();
      return;
    }
    state_.tell_no_connection(group_->config().name, picked_->name(), error);
    if (os::is_shortage(error)) return end(observe::Ending::kConnectFailed, true);
    server_failed();
  }
}

void TcpSession::server_failed() {
  if (picked_->failed(state_.loop.now())) state_.tell_marked_down(group_->config().name, *picked_);
}

void TcpSession::on_channel(relay::Channel& channel) {
  if (tunnel_ != nullptr) return drive();
  if (server_ == nullptr || &channel != &server_->channel()) return;
  const int error = channel.connect_error();
  if (error == EINPROGRESS) return;
  if (error != 0) {
    state_.tell_no_tls(group_->config().name, picked_->name(), channel.failure());
    server_failed();
    server_.reset();
    return find_server();
  }
  if (picked_->succeeded()) state_.tell_up_again(group_->config().name, *picked_);
  connect_time_ = std::chrono::duration_cast<std::chrono::microseconds>(state_.loop.now() - began_);
  tunnel_ = std::make_unique<Tunnel>(state_.relay, policy_, Tunnel::End{*client_, held_},
                                     Tunnel::End{server_->channel(), server_->held});
  state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.tunnel_idle);
  drive();
}

void TcpSession::drive() {
  const Tunnel::Result result = tunnel_->drive(kBudget);
  if (tunnel_->moved()) {
    state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.tunnel_idle);
  }
  switch (result) {
    case Tunnel::Result::kRunning:
      return;
    case Tunnel::Result::kMoreLater:
      return state_.loop.defer(*this);
    case Tunnel::Result::kEnded:
      return end(observe::Ending::kCompleted, false);
    case Tunnel::Result::kFailed:
      return end(observe::Ending::kTunnelFailed, true);
    case Tunnel::Result::kInternal:
      return end(observe::Ending::kInternal, true);
  }
}

void TcpSession::on_deadline() {
  if (tunnel_ != nullptr) return end(observe::Ending::kTunnelIdle, true);
  if (server_ == nullptr) return end(observe::Ending::kNoServer, true);
  server_failed();
  server_.reset();
  if (tried_.size() < group_->server_count()) return find_server();
  end(observe::Ending::kConnectTimeout, true);
}

void TcpSession::end(observe::Ending ending, bool reset) {
  if (reset) {
    client_->close(relay::Close::kReset);
    if (server_ != nullptr) server_->channel().close(relay::Close::kReset);
  }
  observe::Counters& counters = state_.counters;
  counters.tunnels.subtract();
  counters.endings[static_cast<std::size_t>(ending)].add();
  if (ending == observe::Ending::kInternal) {
    counters.ledger_violations.add();
    spdlog::error("a tunnel's ledger did not balance on listener {}; it was cut", group_->config().name);
  }
  if (tunnel_ != nullptr) {
    const auto strategy = static_cast<std::size_t>(tunnel_->choice().strategy);
    const std::uint64_t all = tunnel_->from_client() + tunnel_->to_client();
    counters.bytes_to_clients.add(tunnel_->to_client());
    counters.bytes_to_upstreams.add(tunnel_->from_client());
    counters.bodies_by_path[strategy].add();
    counters.bodies_by_reason[static_cast<std::size_t>(tunnel_->choice().reason)].add();
    counters.bytes_by_path[static_cast<std::size_t>(relay::Strategy::kSplice)].add(tunnel_->zero_copy());
    counters.bytes_by_path[static_cast<std::size_t>(relay::Strategy::kBuffered)].add(all -
                                                                                     tunnel_->zero_copy());
  }
  log(ending);
  state_.end_session(*this);
}

void TcpSession::log(observe::Ending ending) const {
  if (state_.log == nullptr) return;
  const relay::Choice choice = tunnel_ == nullptr ? relay::Choice{} : tunnel_->choice();
  state_.log->add({
      .time = wall_,
      .client = peer_,
      .protocol = "tcp",
      .tls = log_of(secured_),
      .route = group_->config().name,
      .upstream = upstream_name_,
      .bytes_in = tunnel_ == nullptr ? 0 : tunnel_->from_client(),
      .bytes_out = tunnel_ == nullptr ? 0 : tunnel_->to_client(),
      .zero_copy = tunnel_ == nullptr ? 0 : tunnel_->zero_copy(),
      .path = relay::name_of(choice.strategy),
      .why = relay::name_of(choice.reason),
      .end = ending,
      .total = std::chrono::duration_cast<std::chrono::microseconds>(state_.loop.now() - began_),
      .connect = connect_time_,
  });
}

}  // namespace sluice::serve
