#include "upstream/connection.h"

#include <cerrno>

#include "os/socket.h"

namespace sluice::upstream {

std::unique_ptr<Connection> Connection::open(loop::EventLoop& loop, std::shared_ptr<Server> server,
                                             loop::SocketHandler& user, int& error) {
  os::SocketOr made = os::connect_tcp(server->address());
  error = made.error;
  if (!made.fd.valid()) return nullptr;
  std::unique_ptr<Connection> connection(new Connection(loop, std::move(server)));
  if (!connection->socket.attach(loop, std::move(made.fd), user)) {
    error = ENOMEM;
    return nullptr;
  }
  return connection;
}

int Connection::connect_error() const noexcept { return os::socket_error(socket.fd()); }

bool Connection::is_alive() noexcept {
  char byte;
  return is_clean() && os::peek(socket.fd(), {&byte, 1}).would_block();
}

void Connection::keep(std::unique_ptr<Connection> connection) {
  // A last read that was exactly as long as asked leaves open whether more is there.
  if (connection->socket.readable()) {
    if (!connection->is_alive()) return;
    connection->socket.clear_readable();
  }
  const std::shared_ptr<Server> server = connection->server_;
  server->keep_idle(std::move(connection));
}

void Connection::enter_pool(std::chrono::milliseconds timeout) {
  pooled_in_ = server_.get();
  held.release();
  socket.set_handler(*this);
  socket.set_first(true);
  loop_.deadlines().set(*this, loop_.now() + timeout);
}

void Connection::leave_pool() noexcept {
  pooled_in_ = nullptr;
  reused_ = true;
  socket.set_first(false);
  cancel();
}

void Connection::on_socket(loop::Socket&) {
  // An edge that only says "writable" (the peer's ACK made room) is no news for an idle connection.
  if (socket.readable() || socket.peer_closed()) pooled_in_->drop_idle(*this);
}

void Connection::on_deadline() { pooled_in_->drop_idle(*this); }

}  // namespace sluice::upstream
