// One stream of an HTTP/2 connection, as a client with one exchange.
//
// Lifetime  its own: from new_stream() to the end of its exchange.
#pragma once

#include <memory>

#include "base/list.h"
#include "http2/stream.h"
#include "serve/client.h"
#include "serve/exchange.h"
#include "serve/http2_connection.h"

namespace sluice::serve {

class Http2Client final : public Client, private relay::ChannelHandler, private loop::Deadline {
 public:
  struct Link : ListLink {
    explicit Link(Http2Client& c) noexcept : client(c) {}
    Http2Client& client;
  };

  Http2Client(WorkerState& state, Http2Connection& connection) noexcept;
  ~Http2Client() override;

  Link link{*this};  // in its connection's list
  [[nodiscard]] http2::Stream& stream() noexcept { return stream_; }
  void begin_drain() {
    if (exchange_ != nullptr) exchange_->begin_drain();
  }
  // Ends its exchange, and itself.
  void cut(observe::Ending why);

  [[nodiscard]] relay::Channel& channel() noexcept override { return stream_; }
  [[nodiscard]] const os::Address& peer() const noexcept override { return connection_.peer(); }
  [[nodiscard]] const Secured& secured() const noexcept override { return connection_.secured(); }
  [[nodiscard]] bool multiplexed() const noexcept override { return true; }
  void set_deadline(std::chrono::milliseconds from_now) override;
  void settle() override;
  std::string_view send_head(std::string_view text, HeadKind kind) override;

 private:
  void on_channel(relay::Channel&) override;
  void on_deadline() override;
  void begin();
  std::unique_ptr<Exchange> make_exchange();

  WorkerState& state_;
  Http2Connection& connection_;
  http2::Stream stream_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace sluice::serve
