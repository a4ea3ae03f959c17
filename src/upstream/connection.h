// A connection to one server as an exchange uses it: a connection of its own, or a stream of an HTTP/2 connection that
// it shares with others.
//
// HTTP/1   in use by one exchange, or idle in its server's pool. While idle it watches itself: a FIN, a byte nobody
//          asked for, or the idle timeout closes it. Its events come first in their turn: a client's request of the
//          same turn must not find it, and take the byte for an answer (RFC 9112 section 9.2).
// HTTP/2   for one exchange; what is kept is the shared connection.
// Lifetime  owned by its exchange or by its server's pool; keeps its server alive.
// Thread    the worker's.
#pragma once

#include <memory>
#include <string_view>

#include "http/head.h"
#include "http2/stream.h"
#include "loop/event_loop.h"
#include "relay/buffer.h"
#include "relay/channel.h"
#include "upstream/server.h"
#include "upstream/transport.h"

namespace sluice::upstream {

class Http2Connection;

// What goes behind a request's head.
enum class Behind : std::uint8_t { kNothing, kBody, kTunnel };

class Connection final : private relay::ChannelHandler, private loop::Deadline {
 public:
  // Starts to connect, or joins those who wait for a shared connection. Null: errno in `error`.
  static std::unique_ptr<Connection> open(Means means, std::shared_ptr<Server> server,
                                          relay::ChannelHandler& user, int& error);
  // One of its user's own, whatever the protocol of the upstream: for tunnels of bytes.
  static std::unique_ptr<Connection> open_own(Means means, std::shared_ptr<Server> server,
                                              relay::ChannelHandler& user, int& error);
  // One that stands already: idle, or with room for a stream. `surely`: asks the kernel as well, for a request that
  // could not be sent again. Null: there is none.
  static std::unique_ptr<Connection> find(Means means, const std::shared_ptr<Server>& server,
                                          relay::ChannelHandler& user, bool surely);
  ~Connection();

  [[nodiscard]] relay::Channel& channel() noexcept { return *channel_; }
  relay::Buffer held;  // bytes read and not used yet

  [[nodiscard]] Server& server() const noexcept { return *server_; }
  [[nodiscard]] bool reused() const noexcept { return reused_; }  // it stood when the exchange found it
  [[nodiscard]] bool shares() const noexcept { return shares_; }  // nobody connected on its behalf
  [[nodiscard]] bool multiplexed() const noexcept { return stream_ != nullptr; }

  // 0 ready; EINPROGRESS connecting; EAGAIN: others were quicker to take its streams; else why it failed.
  [[nodiscard]] int connect_error() noexcept {
    return stream_ != nullptr ? joined_ : channel_->connect_error();
  }
  // ... in words, where they say more than errno.
  [[nodiscard]] std::string_view failure() const noexcept;
  // `late`: it took too long. Where it is still connecting, others need not wait for the same.
  static void drop(std::unique_ptr<Connection> connection, bool late);

  void use_by(relay::ChannelHandler& user) noexcept;
  // A request's head on its way out. HTTP/1: gives `text` back, to go out with the first bytes of the body. HTTP/2:
  // sends it as fields, and nothing is left to write; where that fails, so does the channel.
  std::string_view send_head(std::string_view text, Behind behind, http::Method method);
  [[nodiscard]] bool takes_tunnels() const noexcept;

  // Nothing arrived and the peer has not closed: it may carry another exchange.
  [[nodiscard]] bool is_clean() const noexcept {
    return channel_->open() && held.empty() && !channel_->peer_closed();
  }
  // Asks the kernel as well.
  [[nodiscard]] bool is_alive() noexcept { return is_clean() && channel_->silent(); }

  // When it failed. The server says that it did not act on the request: RFC 9113 section 8.7.
  [[nodiscard]] bool unprocessed() const noexcept { return stream_ != nullptr && stream_->refused(); }
  // It had stood before the request came, and ended with it: another one to the same server is worth a try.
  [[nodiscard]] bool went_stale() const noexcept;
  // It is a failure that the server's health has not heard of yet. Ask once.
  [[nodiscard]] bool take_blame() noexcept;

  // Hands a clean connection back to its server.
  static void keep(std::unique_ptr<Connection> connection);

 private:
  friend class Server;
  friend class Http2Connection;
  Connection(Means means, std::shared_ptr<Server> server, std::unique_ptr<relay::Channel> channel);
  Connection(Means means, std::shared_ptr<Server> server, std::shared_ptr<Http2Connection> shared,
             relay::ChannelHandler& user);
  void enter_pool(std::chrono::milliseconds timeout);
  void leave_pool() noexcept;
  void on_channel(relay::Channel&) override;
  void on_deadline() override;
  // For Http2Connection: the stream is open, or never will be. May destroy this.
  void joined(int error);
  [[nodiscard]] http2::Stream& stream() noexcept { return *stream_; }

  loop::EventLoop& loop_;
  // A pooled connection and its server own each other until Server::retire().
  std::shared_ptr<Server> server_;
  std::shared_ptr<Http2Connection> shared_;  // null: HTTP/1
  std::unique_ptr<relay::Channel> channel_;
  http2::Stream* stream_ = nullptr;  // channel_, where it is one
  relay::ChannelHandler* user_ = nullptr;
  Server* pooled_in_ = nullptr;
  int joined_ = 0;  // see connect_error()
  bool shares_ = false;
  bool reused_ = false;
};

}  // namespace sluice::upstream
