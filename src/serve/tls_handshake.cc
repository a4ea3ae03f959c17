#include "serve/tls_handshake.h"

#include "os/socket.h"
#include "serve/client_connection.h"
#include "serve/http2_connection.h"
#include "serve/kafka_connection.h"
#include "serve/tcp_session.h"
#include "tls/established.h"

namespace sluice::serve {

namespace {

Secured secured_by(const tls::TlsChannel& channel, const config::ListenerTls& config) {
  const SSL& ssl = *channel.ssl();
  Secured out{.on = true,
              .version = tls::version_of(ssl),
              .server_name = std::string(tls::server_name_of(ssl)),
              .resumed = SSL_session_reused(&ssl) == 1,
              .kernel = channel.kernel_sends(),
              .hsts = config.hsts};
  if (const X509* certificate = tls::client_certificate(ssl); certificate != nullptr) {
    out.client_verified = true;
    out.client_certificate = tls::client_cert_value(*certificate);
    out.client_subject = tls::subject_text(*certificate);
  }
  return out;
}

}  // namespace

void TlsHandshake::accept(WorkerState& state, const config::Listener& listener, tls::SslPtr ssl,
                          os::UniqueFd fd, const os::Address& peer) {
  os::Address local;  // where Kafka's clients are told to connect to
  if (listener.protocol == config::Protocol::kKafka) local = os::local_address(fd.get());
  auto channel = std::make_unique<tls::TlsChannel>(state.relay, state.counters, std::move(ssl),
                                                   listener.tls->ktls == config::KernelTls::kAuto);
  if (!channel->attach(std::move(fd))) return state.counters.turned_away.add();
  auto* handshake =
      new TlsHandshake(state, listener, std::move(channel), peer, local);  // owned by itself: see Session
  state.begin_session(*handshake);
}

TlsHandshake::TlsHandshake(WorkerState& state, const config::Listener& listener,
                           std::unique_ptr<tls::TlsChannel> channel, const os::Address& peer,
                           const os::Address& local)
    : state_(state),
      site_(state.site),
      listener_(listener),
      channel_(std::move(channel)),
      peer_(peer),
      local_(local) {
  channel_->set_handler(*this);
  state_.begin_handshake();
  state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.handshake);
}

TlsHandshake::~TlsHandshake() { state_.end_handshake(); }

// Whoever takes the channel begins before this ends, so that a drain does not take it for the last one.
void TlsHandshake::on_channel(relay::Channel&) {
  switch (channel_->state()) {
    case tls::TlsChannel::State::kHandshaking:
      return;
    case tls::TlsChannel::State::kReady:
      return done();
    case tls::TlsChannel::State::kPlainHttp:
      return spoke_http();
    case tls::TlsChannel::State::kFailed:
      return failed(channel_->failure());
  }
}

void TlsHandshake::done() {
  tls::count_handshake(*channel_->ssl(), true, state_.counters);
  WorkerState& state = state_;
  const Secured secured = secured_by(*channel_, *listener_.tls);
  if (listener_.protocol == config::Protocol::kTcp) {
    auto* session = TcpSession::begin(state, site_, listener_, std::move(channel_), peer_, secured);
    end();
    return session->start();
  }
  if (listener_.protocol == config::Protocol::kKafka) {
    auto* connection =
        KafkaConnection::begin(state, site_, listener_, std::move(channel_), peer_, local_, secured);
    end();
    return connection->start();
  }
  if (tls::protocol_of(*channel_->ssl()) == "h2") {
    auto* connection = Http2Connection::begin(state, std::move(channel_), peer_, secured);
    end();
    return connection->start({});
  }
  auto* connection = ClientConnection::begin(state, std::move(channel_), peer_, secured);
  end();
  connection->start();
}

void TlsHandshake::spoke_http() {
  tls::count_handshake(*channel_->ssl(), false, state_.counters);
  auto* connection = ClientConnection::begin(state_, std::move(channel_), peer_, {});
  end();
  connection->refuse_plain_http();
}

void TlsHandshake::failed(std::string_view why) {
  tls::count_handshake(*channel_->ssl(), false, state_.counters);
  if (!why.empty()) state_.tell_handshake_failed(listener_.listen, peer_, why);
  end();
}

void TlsHandshake::on_deadline() { failed("not over in time"); }

}  // namespace sluice::serve
