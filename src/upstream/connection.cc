#include "upstream/connection.h"

#include <cerrno>

#include "upstream/http2_connection.h"

namespace sluice::upstream {

Connection::Connection(Means means, std::shared_ptr<Server> server, std::unique_ptr<relay::Channel> channel)
    : loop_(means.resources.loop), server_(std::move(server)), channel_(std::move(channel)) {}

Connection::Connection(Means means, std::shared_ptr<Server> server, std::shared_ptr<Http2Connection> shared,
                       relay::ChannelHandler& user)
    : loop_(means.resources.loop), server_(std::move(server)), shared_(std::move(shared)), user_(&user) {
  auto stream = std::make_unique<http2::Stream>();
  stream_ = stream.get();
  channel_ = std::move(stream);
  channel_->set_handler(user);
  joined_ = shared_->state();
  reused_ = shares_ = joined_ == 0;
  shared_->join(*this);
}

Connection::~Connection() {
  channel_.reset();  // the stream's end, before the connection may be idle
  if (shared_ == nullptr) return;
  shared_->leave(*this);
  Http2Connection::let_go(std::move(shared_));
}

std::unique_ptr<Connection> Connection::open(Means means, std::shared_ptr<Server> server,
                                             relay::ChannelHandler& user, int& error) {
  if (server->config().protocol == config::UpstreamProtocol::kHttp2) {
    auto shared = server->http2().find(true);
    const bool shares = shared != nullptr;
    if (!shares) shared = Http2Connection::open(means, *server, error);
    if (shared == nullptr) return nullptr;
    if (!shares) server->keep(shared);
    std::unique_ptr<Connection> made(new Connection(means, std::move(server), std::move(shared), user));
    made->shares_ = shares;
    return made;
  }
  return open_own(means, std::move(server), user, error);
}

std::unique_ptr<Connection> Connection::open_own(Means means, std::shared_ptr<Server> server,
                                                 relay::ChannelHandler& user, int& error) {
  auto channel = connect(means, *server, user, error);
  if (channel == nullptr) return nullptr;
  return std::unique_ptr<Connection>(new Connection(means, std::move(server), std::move(channel)));
}

std::unique_ptr<Connection> Connection::find(Means means, const std::shared_ptr<Server>& server,
                                             relay::ChannelHandler& user, bool surely) {
  while (auto shared = server->http2().find(false)) {
    if (!surely || shared->alive())
      return std::unique_ptr<Connection>(new Connection(means, server, std::move(shared), user));
    server->http2().drop(*shared);
    Http2Connection::let_go(std::move(shared));
  }
  while (auto idle = server->take_idle()) {
    if (surely && !idle->is_alive()) continue;
    idle->use_by(user);
    return idle;
  }
  return nullptr;
}

void Connection::use_by(relay::ChannelHandler& user) noexcept {
  user_ = &user;
  channel_->set_handler(user);
}

void Connection::joined(int error) {
  joined_ = error;
  user_->on_channel(*channel_);
}

void Connection::drop(std::unique_ptr<Connection> connection, bool late) {
  auto shared = connection->shared_;
  connection.reset();
  if (shared == nullptr) return;
  if (late) shared->give_up();
  Http2Connection::let_go(std::move(shared));  // this may be within its own events
}

std::string_view Connection::send_head(std::string_view text, Behind behind, http::Method method) {
  if (stream_ == nullptr) return text;
  const http2::Follows follows = behind == Behind::kNothing ? http2::Follows::kNothing
                                 : behind == Behind::kBody  ? http2::Follows::kBody
                                                            : http2::Follows::kTunnel;
  if (!stream_->send_head(text, follows, method)) channel_->close(relay::Close::kCut);
  return {};
}

std::string_view Connection::failure() const noexcept {
  return shared_ != nullptr ? shared_->failure() : channel_->failure();
}

bool Connection::takes_tunnels() const noexcept { return shared_ == nullptr || shared_->takes_tunnels(); }

bool Connection::went_stale() const noexcept {
  return reused_ && (shared_ == nullptr || shared_->state() != 0);
}

// A stream fails alone or with its connection; that one may fail for many.
bool Connection::take_blame() noexcept {
  if (stream_ == nullptr) return !reused_;  // a server may close what is idle
  if (unprocessed() || joined_ == EAGAIN) return false;
  return shared_->state() == 0 || shared_->take_blame();
}

void Connection::keep(std::unique_ptr<Connection> connection) {
  if (connection->multiplexed()) return;
  // A last read that was exactly as long as asked leaves open whether more is there.
  if (connection->channel_->readable() && !connection->is_alive()) return;
  const std::shared_ptr<Server> server = connection->server_;
  server->keep_idle(std::move(connection));
}

void Connection::enter_pool(std::chrono::milliseconds timeout) {
  pooled_in_ = server_.get();
  held.release();
  channel_->set_handler(*this);
  channel_->set_first(true);
  loop_.deadlines().set(*this, loop_.now() + timeout);
}

void Connection::leave_pool() noexcept {
  pooled_in_ = nullptr;
  reused_ = shares_ = true;
  channel_->set_first(false);
  cancel();
}

void Connection::on_channel(relay::Channel& channel) {
  // An edge that only says "writable" (the peer's ACK made room) is no news for an idle connection.
  if (channel.peer_closed() || (channel.readable() && !channel.silent())) pooled_in_->drop_idle(*this);
}

void Connection::on_deadline() { pooled_in_->drop_idle(*this); }

}  // namespace sluice::upstream
