#include "serve/client_connection.h"

#include "os/socket.h"
#include "relay/socket_channel.h"
#include "serve/dispatch.h"
#include "serve/exchange.h"
#include "serve/http2_connection.h"
#include "serve/linger.h"
#include "serve/own_answer.h"

namespace sluice::serve {

void ClientConnection::accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                              const os::Address& peer) {
  auto channel = std::make_unique<relay::SocketChannel>();
  if (!channel->attach(state.loop, std::move(fd))) return state.counters.turned_away.add();
  begin(state, std::move(channel), peer, {.to_https = listener.redirect_https});
}

ClientConnection* ClientConnection::begin(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                          const os::Address& peer, const Secured& secured) {
  auto* connection =
      new ClientConnection(state, std::move(channel), peer, secured);  // owned by itself: see Session
  state.begin_session(*connection);
  connection->set_deadline(state.site->config().timeouts.head);
  return connection;
}

ClientConnection::ClientConnection(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                   const os::Address& peer, const Secured& secured)
    : state_(state),
      channel_(std::move(channel)),
      peer_(peer),
      secured_(secured.on ? std::make_unique<const Secured>(secured) : nullptr),
      to_https_(secured.to_https) {
  channel_->set_handler(*this);
}

ClientConnection::~ClientConnection() = default;

const Secured& ClientConnection::secured() const noexcept {
  static const Secured kPlain{}, kToHttps{.to_https = true};
  if (secured_ != nullptr) return *secured_;
  return to_https_ ? kToHttps : kPlain;
}

void ClientConnection::refuse_plain_http() {
  start_refusal(400, kPlainHttp, observe::Ending::kRefused);
  settle();
}

void ClientConnection::end(relay::Close how) {
  channel_->close(how);
  state_.end_session(*this);
}

void ClientConnection::set_deadline(std::chrono::milliseconds from_now) {
  state_.loop.deadlines().set(*this, state_.loop.now() + from_now);
}

void ClientConnection::on_channel(relay::Channel&) {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kHead:
      if (read_head()) settle();
      return;
    case Phase::kExchange:
      exchange_->on_client();
      return settle();
    case Phase::kLinger:
      return linger();
  }
}

// Looks for a complete head. true: an exchange was started, and settle() has to be called. false: waiting, or
// gone.
bool ClientConnection::read_head() {
  const config::Config& config = state_.site->config();
  http::RequestParser* parser = partial_.get();
  if (parser == nullptr) {
    parser = &state_.request_parser;
    parser->reset();
  }
  for (;;) {
    const Preface preface = look_for_preface();
    if (preface == Preface::kWhole) {
      become_http2();
      return false;
    }
    if (!held.empty() && preface == Preface::kNone) {
      switch (parser->parse(held.view())) {
        case http::Parse::kDone:
          start_exchange(*parser);
          return true;
        case http::Parse::kRefused:
          start_refusal(http::status_of(parser->verdict()), http::name_of(parser->verdict()),
                        observe::Ending::kRefused);
          return true;
        case http::Parse::kIncomplete:
          break;
      }
    }
    if (!fill()) {
      if (!channel_->open()) {
        end(relay::Close::kClean);
        return false;
      }
      if (held.empty()) {
        held.release();
        return false;
      }
      // Empty lines alone begin no request: old clients send one behind a body (RFC 9112 section 2.2).
      if (phase_ == Phase::kIdle && !parser->idle()) {
        phase_ = Phase::kHead;
        set_deadline(config.timeouts.head);
      }
      // The rest comes later: this head needs a parser of its own, the worker's serves others meanwhile.
      if (partial_ == nullptr) partial_ = std::make_unique<http::RequestParser>(*parser);
      return false;
    }
  }
}

// HTTP/2 by prior knowledge begins with a request that no HTTP/1 client sends: RFC 9113 section 3.4. Over TLS the
// handshake has settled it.
ClientConnection::Preface ClientConnection::look_for_preface() noexcept {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  if (!first_ || held.empty()) return Preface::kNone;
  const std::string_view seen = held.view().substr(0, kPreface.size());
  first_ = !secured().on && kPreface.starts_with(seen);
  if (!first_) return Preface::kNone;
  return seen.size() == kPreface.size() ? Preface::kWhole : Preface::kPart;
}

void ClientConnection::become_http2() {
  const relay::Buffer read = std::move(held);
  auto* connection = Http2Connection::begin(state_, std::move(channel_), peer_, secured());
  state_.end_session(*this);  // behind the other's beginning, so that a drain does not take it for the last
  connection->start(read.view());
}

// Reads once. false: nothing more now; a channel that is not open() any more has ended.
bool ClientConnection::fill() {
  if (!channel_->readable()) return false;
  if (!held.acquire(state_.relay.heads)) {
    channel_->close(relay::Close::kCut);
    return false;
  }
  held.compact();
  // A block can hold the largest head and more, and the parser refuses a larger one: there is always room
  // here.
  std::span<char> room = held.room();
  if (held.empty()) room = room.first(std::min(room.size(), state_.site->config().limits.head));
  const os::IoResult got = channel_->recv(room);
  if (got.would_block()) return false;
  if (!got.ok() || got.bytes == 0) {
    channel_->close(relay::Close::kClean);
    return false;
  }
  drained_ = got.bytes < room.size();
  held.filled(got.bytes);
  return true;
}

void ClientConnection::start_exchange(http::RequestParser& parser) {
  const http::RequestHead& head = parser.head();
  const http::RequestFacts facts = http::request_facts(head);
  // All that was sent has been read, and a body is read to EAGAIN anyway: no call is needed to hear that
  // nothing is left. (Should an RST hide behind these bytes, the response's write meets it: see
  // loop/socket.h.)
  if (drained_ && facts.verdict == http::Verdict::kOk && facts.framing == http::Framing::kNone)
    channel_->clear_readable();
  last_ = facts.verdict == http::Verdict::kOk && !facts.keep_alive && facts.framing == http::Framing::kNone &&
          !facts.wants_upgrade;
  start_exchange(dispatch(*this, state_, head, facts));
}

void ClientConnection::start_refusal(int status, const char* why, observe::Ending ending) {
  start_exchange(refuse(*this, state_, status, why, nullptr, ending));
}

void ClientConnection::start_exchange(std::unique_ptr<Exchange> exchange) {
  phase_ = Phase::kExchange;
  exchange_ = std::move(exchange);
  exchange_->start();
  partial_.reset();
}

void ClientConnection::settle() {
  while (exchange_ != nullptr && exchange_->outcome() != Outcome::kRunning) {
    const Outcome outcome = exchange_->outcome();
    exchange_.reset();
    state_.publish();
    switch (outcome) {
      case Outcome::kRunning:
      case Outcome::kKeep:
        break;
      case Outcome::kClose:
        return begin_linger();
      case Outcome::kReset:
        return end(relay::Close::kReset);
      case Outcome::kCut:
        return end(relay::Close::kCut);
    }
    become_idle();
    if (!read_head()) return;
  }
}

void ClientConnection::become_idle() {
  phase_ = Phase::kIdle;
  drained_ = false;
  set_deadline(state_.site->config().timeouts.keep_alive);
}

// A client that said "close" sends nothing more (RFC 9112 section 9.6), and all it sent was read: there is nothing to
// wait for. (Over TLS its close_notify may come.)
void ClientConnection::begin_linger() {
  if (last_ && held.empty() && !channel_->readable() && !secured().on) return end(relay::Close::kClean);
  phase_ = Phase::kLinger;
  channel_->shutdown_write();
  held.release();
  set_deadline(state_.site->config().timeouts.linger);
  linger();
}

void ClientConnection::linger() {
  if (linger_is_over(*channel_)) end(relay::Close::kClean);
}

void ClientConnection::on_deadline() {
  switch (phase_) {
    case Phase::kIdle:
      return end(relay::Close::kClean);
    case Phase::kHead:
      start_refusal(408, "head-timeout", observe::Ending::kClientHeadTimeout);
      return settle();
    case Phase::kExchange:
      exchange_->on_deadline();
      return settle();
    case Phase::kLinger:
      return end(relay::Close::kClean);
  }
}

void ClientConnection::begin_drain() {
  if (phase_ == Phase::kIdle) return end(relay::Close::kClean);
  // Others close after their response: Exchange::finish() sees state_.draining.
  if (phase_ == Phase::kExchange) exchange_->begin_drain();
}

void ClientConnection::cut() {
  if (phase_ != Phase::kExchange) return end(relay::Close::kClean);
  exchange_->cut(observe::Ending::kDrained);
  settle();
}

}  // namespace sluice::serve
