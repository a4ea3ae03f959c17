#include "upstream/connection.h"

#include <cerrno>

#include "os/socket.h"
#include "relay/socket_channel.h"

namespace sluice::upstream {

std::unique_ptr<Connection> Connection::open(loop::EventLoop& loop, std::shared_ptr<Server> server,
                                             relay::ChannelHandler& user, int& error) {
  os::SocketOr made = os::connect_tcp(server->address());
  error = made.error;
  if (!made.fd.valid()) return nullptr;
  auto channel = std::make_unique<relay::SocketChannel>();
  if (!channel->attach(loop, std::move(made.fd))) {
    error = ENOMEM;
    return nullptr;
  }
  channel->set_handler(user);
  return std::unique_ptr<Connection>(new Connection(loop, std::move(server), std::move(channel)));
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
