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
#include "loop/socket.h"
#include "os/address.h"
#include "relay/buffer.h"
#include "serve/session.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class Exchange;

class ClientConnection final : public Session, private loop::SocketHandler, private loop::Deadline {
 public:
  // Takes the descriptor; the connection owns itself from here on (see Session).
  static void accept(WorkerState& state, os::UniqueFd fd, const os::Address& peer);
  ~ClientConnection() override;

  void begin_drain() override;
  void cut() override;

  // --- for the exchange ---
  loop::Socket socket;
  relay::Buffer held;  // bytes read and not used yet
  [[nodiscard]] const os::Address& peer() const noexcept { return peer_; }
  // The one deadline of the connection; its meaning is the exchange's while one runs.
  void set_deadline(std::chrono::milliseconds from_now);
  // Call as the last thing after the exchange did something outside the connection's own events: it may be
  // over, and the next request may be waiting. May destroy the exchange and the connection.
  void settle();

 private:
  enum class Phase : std::uint8_t { kIdle, kHead, kExchange, kLinger };

  ClientConnection(WorkerState& state, const os::Address& peer);
  void on_socket(loop::Socket&) override;
  void on_deadline() override;

  bool read_head();
  bool fill();
  void start_exchange(http::RequestParser& parser);
  void start_refusal(http::Verdict verdict, const http::RequestHead* head);
  void start_refusal(int status, const char* why, const http::RequestHead* head, observe::Ending ending);
  void become_idle();
  void begin_linger();
  void linger();
  void end() { state_.end_session(*this); }

  WorkerState& state_;
  const os::Address peer_;
  Phase phase_ = Phase::kIdle;
  bool drained_ = false;  // the last read took all there was
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<http::RequestParser> partial_;  // a head that arrives in pieces has a parser of its own
};

}  // namespace sluice::serve
