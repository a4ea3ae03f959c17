#include "upstream/connection.h"

namespace sluice::upstream {

std::unique_ptr<Connection> Connection::open(Means means, std::shared_ptr<Server> server,
                                             relay::ChannelHandler& user, int& error) {
  auto channel = connect(means, *server, user, error);
  if (channel == nullptr) return nullptr;
  return std::unique_ptr<Connection>(
      new Connection(means.resources.loop, std::move(server), std::move(channel)));
}

void Connection::keep(std::unique_ptr<Connection> connection) {
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
  reused_ = true;
  channel_->set_first(false);
  cancel();
}

void Connection::on_channel(relay::Channel& channel) {
  // An edge that only says "writable" (the peer's ACK made room) is no news for an idle connection.
  if (channel.peer_closed() || (channel.readable() && !channel.silent())) pooled_in_->drop_idle(*this);
}

void Connection::on_deadline() { pooled_in_->drop_idle(*this); }

}  // namespace sluice::upstream
