// A client of a TLS listener until its handshake is over; then its channel goes to the one who speaks its protocol.
//
//   accepted ──▶ handshake ──▶ "h2": Http2Connection; else ClientConnection; on other listeners TcpSession, KafkaConnection
//                    │  └─ spoke HTTP without TLS ──▶ ClientConnection, which answers 400 so
//                    └─ failed, timeouts.handshake ──▶ (ends; counted, and told now and then)
//
// At most limits.handshakes are under way in a worker: see Listener. Thread: the worker's.
#pragma once

#include <memory>

#include "os/address.h"
#include "os/unique_fd.h"
#include "serve/client.h"
#include "serve/session.h"
#include "serve/worker_state.h"
#include "tls/tls_channel.h"

namespace sluice::serve {

class TlsHandshake final : public Session, private relay::ChannelHandler, private loop::Deadline {
 public:
  // Takes the descriptor; the handshake owns itself from here on (see Session). `ssl`: the server's side, see
  // tls::ServerContext; `listener` is of today's configuration.
  static void accept(WorkerState& state, const config::Listener& listener, tls::SslPtr ssl, os::UniqueFd fd,
                     const os::Address& peer);
  ~TlsHandshake() override;

  void begin_drain() override { end(); }  // nothing was asked yet
  void cut() override { end(); }

 private:
  TlsHandshake(WorkerState& state, const config::Listener& listener, std::unique_ptr<tls::TlsChannel> channel,
               const os::Address& peer, const os::Address& local);
  void on_channel(relay::Channel&) override;
  void on_deadline() override;
  void done();
  void spoke_http();
  void failed(std::string_view why);
  void end() { state_.end_session(*this); }

  WorkerState& state_;
  const std::shared_ptr<const Site> site_;  // whose listener this is
  const config::Listener& listener_;
  std::unique_ptr<tls::TlsChannel> channel_;
  const os::Address peer_, local_;
};

}  // namespace sluice::serve
