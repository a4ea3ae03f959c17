// A connection to one server, in use by one exchange or idle in its server's pool.
//
// While idle it watches itself: a FIN, a byte nobody asked for, or the idle timeout closes it. Its events come
// first in their turn: a client's request of the same turn must not find it, and take the byte for an answer
// (RFC 9112 section 9.2).
// Lifetime  owned by its exchange or by its server's pool; keeps its server alive.
// Thread    the worker's.
#pragma once

#include <memory>

#include "loop/event_loop.h"
#include "loop/socket.h"
#include "relay/buffer.h"
#include "upstream/server.h"

namespace sluice::upstream {

class Connection final : private loop::SocketHandler, private loop::Deadline {
 public:
  // Starts to connect. Null: errno in `error`.
  static std::unique_ptr<Connection> open(loop::EventLoop& loop, std::shared_ptr<Server> server,
                                          loop::SocketHandler& user, int& error);

  loop::Socket socket;
  relay::Buffer held;  // bytes read and not used yet

  [[nodiscard]] Server& server() const noexcept { return *server_; }
  [[nodiscard]] bool reused() const noexcept { return reused_; }
  // After the first writable event: 0 when connected, else errno.
  [[nodiscard]] int connect_error() const noexcept;

  void use_by(loop::SocketHandler& user) noexcept { socket.set_handler(user); }
  // Nothing arrived and the peer has not closed: it may carry another exchange.
  [[nodiscard]] bool is_clean() const noexcept {
    return socket.open() && held.empty() && !socket.peer_closed();
  }
  // Asks the kernel as well: before a request that could not be sent again.
  [[nodiscard]] bool is_alive() noexcept;

  // Hands a clean connection back to its server.
  static void keep(std::unique_ptr<Connection> connection);

 private:
  friend class Server;
  Connection(loop::EventLoop& loop, std::shared_ptr<Server> server)
      : loop_(loop), server_(std::move(server)) {}
  void enter_pool(std::chrono::milliseconds timeout);
  void leave_pool() noexcept;
  void on_socket(loop::Socket&) override;
  void on_deadline() override;

  loop::EventLoop& loop_;
  std::shared_ptr<Server>
      server_;  // a pooled connection and its server own each other until Server::retire()
  Server* pooled_in_ = nullptr;
  bool reused_ = false;
};

}  // namespace sluice::upstream
