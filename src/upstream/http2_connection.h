// An HTTP/2 connection to a server, shared by many exchanges: each has a stream of it.
//
//   kConnecting ──the server's SETTINGS──▶ kReady ──GOAWAY, an error, idle for too long──▶ kOver
//
// Connecting  is over when the server's SETTINGS have come: so it does speak HTTP/2, and how many streams it takes is
//             known before the first is opened. Who waits for that is told, each by its own channel's handler.
// Idle        without streams: closed after idle_timeout. Its events come first in their turn, so that a GOAWAY is
//             heard before a request of the same turn would be sent behind it.
// Silence     with streams: asked by a PING now and then; where that is silence, too, the streams fail.
// Lifetime    shared by its server's pool and its users; the last to let go ends it, or, where that happens within its
//             own events, these do when they are through.
// Thread      the worker's.
// Source      RFC 9113 sections 3.4, 5.1.2, 6.8, 9.1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http2/session.h"
#include "loop/event_loop.h"
#include "upstream/transport.h"

namespace sluice::upstream {

class Connection;

class Http2Connection final : public std::enable_shared_from_this<Http2Connection>,
                              private relay::ChannelHandler,
                              private http2::SessionHandler,
                              private loop::Deadline {
 public:
  // Starts to connect. Null: errno in `error`.
  static std::shared_ptr<Http2Connection> open(Means means, Server& server, int& error);
  ~Http2Connection();

  // 0 ready; EINPROGRESS connecting; else why it is over.
  [[nodiscard]] int state() const noexcept;
  [[nodiscard]] bool has_room() const noexcept;  // for one more user
  [[nodiscard]] bool idle() const noexcept { return users_ == 0; }
  // Why it is over, in words, where they say more than errno.
  [[nodiscard]] std::string_view failure() const noexcept { return failure_; }
  // The server takes tunnels: RFC 8441.
  [[nodiscard]] bool takes_tunnels() const noexcept { return session_ && session_->peer_takes_tunnels(); }
  // What the kernel knows and the loop may not have heard yet.
  [[nodiscard]] bool alive() noexcept;

  // The user's stream is opened now, or when this is ready: Connection::joined() is called then.
  void join(Connection& user);
  void leave(Connection& user) noexcept;
  static void let_go(std::shared_ptr<Http2Connection> self) noexcept;

  // Its clock's affair: did the server say anything since the last time, or does it need to be asked?
  void probe();
  // Took too long to connect, says a user that has left: the others are told.
  void give_up();
  // True once: what becomes of many streams at the same time is one failure of the server.
  [[nodiscard]] bool take_blame() noexcept { return !std::exchange(blamed_, true); }
  // Its server's pool has no part in it any more.
  void retire() noexcept { server_ = nullptr; }

 private:
  Http2Connection(Means means, Server& server) noexcept;
  void on_channel(relay::Channel&) override;                // the transport's, until it stands
  http2::Stream* new_stream() override { return nullptr; }  // servers open none: push is off
  void on_session(http2::Session&) override;
  void on_deadline() override;
  void ready();
  void over(int error);
  void tell_waiting();

  const Means means_;
  Server* server_;  // null: retired
  std::unique_ptr<relay::Channel> transport_;
  std::optional<http2::Session> session_;
  std::vector<Connection*> waiting_;       // until this is ready
  std::shared_ptr<Http2Connection> last_;  // itself, let go by all others within its own events
  std::string failure_;
  std::size_t users_ = 0;
  int state_;
  const bool secure_;
  std::uint64_t heard_ = 0;
  bool probed_ = false;  // a PING has been sent since
  bool blamed_ = false;
};

}  // namespace sluice::upstream
