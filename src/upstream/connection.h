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
#include "relay/buffer.h"
#include "relay/channel.h"
#include "upstream/server.h"
#include "upstream/transport.h"

namespace sluice::upstream {

class Connection final : private relay::ChannelHandler, private loop::Deadline {
 public:
  // Starts to connect. Null: errno in `error`.
  static std::unique_ptr<Connection> open(Means means, std::shared_ptr<Server> server,
                                          relay::ChannelHandler& user, int& error);

  [[nodiscard]] relay::Channel& channel() noexcept { return *channel_; }
  relay::Buffer held;  // bytes read and not used yet

  [[nodiscard]] Server& server() const noexcept { return *server_; }
  [[nodiscard]] bool reused() const noexcept { return reused_; }

  void use_by(relay::ChannelHandler& user) noexcept { channel_->set_handler(user); }
  // Nothing arrived and the peer has not closed: it may carry another exchange.
  [[nodiscard]] bool is_clean() const noexcept {
    return channel_->open() && held.empty() && !channel_->peer_closed();
  }
  // Asks the kernel as well: before a request that could not be sent again.
  [[nodiscard]] bool is_alive() noexcept { return is_clean() && channel_->silent(); }

  // Hands a clean connection back to its server.
  static void keep(std::unique_ptr<Connection> connection);

 private:
  friend class Server;
  Connection(loop::EventLoop& loop, std::shared_ptr<Server> server, std::unique_ptr<relay::Channel> channel)
      : loop_(loop), server_(std::move(server)), channel_(std::move(channel)) {}
  void enter_pool(std::chrono::milliseconds timeout);
  void leave_pool() noexcept;
  void on_channel(relay::Channel&) override;
  void on_deadline() override;

  loop::EventLoop& loop_;
  std::shared_ptr<Server>
      server_;  // a pooled connection and its server own each other until Server::retire()
  const std::unique_ptr<relay::Channel> channel_;
  Server* pooled_in_ = nullptr;
  bool reused_ = false;
};

}  // namespace sluice::upstream
