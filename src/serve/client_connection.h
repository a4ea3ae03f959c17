// One client's HTTP/1 connection: reads heads, runs one exchange at a time, keeps the connection or closes it
// in order.
//
//   kIdle ──byte──▶ kHead ──head complete──▶ kExchange ──done, keep──▶ kIdle
//     │               │ refused: an answer of ours    │ done, close
//     ▼ timeout, FIN  ▼ timeout: 408                  ▼
//   (ends)          kExchange                       kLinger ──FIN or timeout──▶ (ends)
//
// Memory    an idle connection is this object and nothing else: no buffer, no exchange, no parser.
// Pipelined requests wait in `held` and in the kernel; one is answered after the other, in order.
#pragma once

#include <memory>

#include "http/parser.h"
#include "os/address.h"
#include "os/unique_fd.h"
#include "serve/client.h"
#include "serve/session.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class Exchange;

class ClientConnection final : public Session,
                               public Client,
                               private relay::ChannelHandler,
                               private loop::Deadline {
 public:
  // Takes the descriptor; the connection owns itself from here on (see Session).
  static void accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                     const os::Address& peer);
  // On a channel that is established already, e.g. over TLS. Call start() or refuse_plain_http() as the last thing:
  // bytes may be waiting.
  static ClientConnection* begin(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                 const os::Address& peer, const Secured& secured);
  void start() { on_channel(*channel_); }
  void refuse_plain_http();  // what came was HTTP, and should have been TLS
  ~ClientConnection() override;

  void begin_drain() override;
  void cut() override;

  // --- for the exchange ---
  [[nodiscard]] relay::Channel& channel() noexcept override { return *channel_; }
  [[nodiscard]] const os::Address& peer() const noexcept override { return peer_; }
  [[nodiscard]] const Secured& secured() const noexcept override;
  [[nodiscard]] bool multiplexed() const noexcept override { return false; }
  // The one deadline of the connection; its meaning is the exchange's while one runs.
  void set_deadline(std::chrono::milliseconds from_now) override;
  void settle() override;
  std::string_view send_head(std::string_view text, HeadKind) override { return text; }

 private:
  enum class Phase : std::uint8_t { kIdle, kHead, kExchange, kLinger };

  ClientConnection(WorkerState& state, std::unique_ptr<relay::Channel> channel, const os::Address& peer,
                   const Secured& secured);
  void on_channel(relay::Channel&) override;
  void on_deadline() override;

  bool read_head();
  enum class Preface : std::uint8_t { kNone, kPart, kWhole };
  Preface look_for_preface() noexcept;
  void become_http2();
  bool fill();
  void start_exchange(http::RequestParser& parser);
  void start_refusal(int status, const char* why, observe::Ending ending);
  void start_exchange(std::unique_ptr<Exchange> exchange);
  void become_idle();
  void begin_linger();
  void linger();
  void end(relay::Close how);

  WorkerState& state_;
  std::unique_ptr<relay::Channel> channel_;
  const os::Address peer_;
  const std::unique_ptr<const Secured> secured_;  // null: no TLS
  const bool to_https_;
  Phase phase_ = Phase::kIdle;
  bool first_ = true;     // nothing was asked yet: it may turn out to speak HTTP/2
  bool drained_ = false;  // the last read took all there was
  bool last_ = false;     // the client asks for nothing more
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<http::RequestParser> partial_;  // a head that arrives in pieces has a parser of its own
};

}  // namespace sluice::serve
