// An exchange that is answered by an upstream: the states and their edges stand in proxy_states.h.
//
// Reading order: proxy_request.cc writes the request's new head, proxy_server.cc finds a connection for it,
// proxy_request.cc sends, proxy_response.cc reads the response's head, rewrites it and hands the body to the
// relay. proxy_exchange.cc drives them by state, and ends it.
//
// Memory    the request's head is kept until the response's arrives (for another try), nothing else is.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "relay/stream_transfer.h"
#include "serve/exchange.h"
#include "serve/own_answer.h"
#include "serve/proxy_states.h"
#include "serve/response_sink.h"
#include "serve/tunnel.h"
#include "upstream/connection.h"

namespace sluice::serve {

// How the relay sees a message's framing.
constexpr relay::Shape shape_of(http::Framing framing) noexcept {
  switch (framing) {
    case http::Framing::kNone:
    case http::Framing::kLength:
      return relay::Shape::kLength;
    case http::Framing::kChunked:
      return relay::Shape::kChunk;
    case http::Framing::kUntilClose:
      return relay::Shape::kUntilClose;
  }
  return relay::Shape::kLength;
}

class ProxyExchange final : public Exchange, private relay::ChannelHandler {
 public:
  ProxyExchange(Client& client, WorkerState& state, const Route& route, const Request& request,
                std::uint64_t body_limit);
  ~ProxyExchange() override;

  void start() override;
  void on_client() override;
  void on_deadline() override;
  void cut(observe::Ending why) override;

 private:
  void on_channel(relay::Channel&) override;  // the server's
  void drive() override;

  void note_websocket(const http::RequestHead& head);
  bool write_request_head(const Request& request);
  void find_server();
  void on_connected(int error);
  void begin_request();
  void begin_extended_connect();
  [[nodiscard]] bool extends_connect() const noexcept { return !websocket_accept_.empty(); }
  void step_request();
  void read_response();
  bool take_head(const http::ResponseHead& head, bool drained);
  void pass_interim(const http::ResponseHead& head);
  void send_interim();
  void begin_response(const http::ResponseHead& head, const http::ResponseFacts& facts, bool drained);
  std::string_view foreseen_path(bool encodes);  // the Server-Timing value
  void begin_tunnel(const http::ResponseHead& head);
  void relay_body(std::string_view head);
  void step_tunnel(std::string_view head);
  void step_answer();
  [[nodiscard]] bool client_saw() const noexcept;
  void deliver();

  void server_lost(bool timed_out);
  void server_failed();
  void give_up(int status, observe::Ending ending);
  void end_cut(observe::Ending ending);
  void move(ProxyInput input);
  [[nodiscard]] bool request_can_be_repeated(bool unprocessed) const noexcept;
  [[nodiscard]] bool request_has_body() const noexcept {
    return request_framing_ != http::Framing::kNone &&
           (request_framing_ != http::Framing::kLength || request_length_ != 0);
  }
  // How long a body, or a response, may keep us waiting. What gRPC streams is quiet for as long as it likes.
  [[nodiscard]] std::chrono::milliseconds body_idle() const noexcept {
    return grpc_ ? config().timeouts.tunnel_idle : config().timeouts.body_idle;
  }
  [[nodiscard]] std::chrono::milliseconds first_byte() const noexcept {
    return grpc_ ? config().timeouts.tunnel_idle : config().timeouts.first_byte;
  }
  void forget_request() noexcept { std::string().swap(request_head_); }
  [[nodiscard]] Moved moved() const noexcept;

  ProxyState at_ = ProxyState::kFindingServer;
  const http::Framing request_framing_;
  const std::uint64_t request_length_;
  const std::uint64_t body_limit_;
  const bool wants_upgrade_;
  const bool grpc_;
  std::string websocket_accept_;    // where HTTP/2 carries a WebSocket on: what its client wants to hear
  bool awaits_continue_;            // the client sends its body when the server has sent a 100
  bool request_done_ = false;       // all of it was sent
  bool request_abandoned_ = false;  // the server takes no more of it; its response may still come
  bool response_can_keep_ = false;  // the upstream connection may be used again
  bool client_close_delimited_ = false;
  bool request_head_unsent_ = false;
  Step request_step_ = Step::kMoved;  // what each direction waits for, for the deadline's verdict
  Step response_step_ = Step::kMoved;

  std::string request_head_;  // as it goes upstream; exactly as large as it is, because many may wait for
                              // slow servers
  std::unique_ptr<upstream::Connection> server_;
  std::shared_ptr<upstream::Server> picked_;
  std::vector<upstream::Server*> tried_;
  struct Failure {
    int status;
    observe::Ending ending;
  };
  Failure failure_{502, observe::Ending::kConnectFailed};  // of the last try
  std::shared_ptr<void> resolving_;
  std::unique_ptr<http::ResponseParser> partial_;  // see ClientConnection::partial_
  std::string interim_left_;                       // interim responses the client did not take at once
  unsigned interims_ = 0;
  unsigned refusals_ = 0;  // streams that the server has not acted on

  std::optional<relay::StreamTransfer> request_, response_;
  ResponseSink sink_;
  std::unique_ptr<Tunnel> tunnel_;
  std::unique_ptr<OwnAnswer> answer_;
  observe::Ending answer_ending_ = observe::Ending::kCompleted;
};

}  // namespace sluice::serve
