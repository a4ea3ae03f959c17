#include "serve/client_connection.h"

#include <array>

#include "http/target.h"
#include "os/socket.h"
#include "serve/answer_exchange.h"
#include "serve/exchange.h"
#include "serve/proxy_exchange.h"

namespace sluice::serve {

void ClientConnection::accept(WorkerState& state, os::UniqueFd fd, const os::Address& peer) {
  os::set_nodelay(fd.get());
  auto* connection = new ClientConnection(state, peer);  // owned by itself: see Session
  if (!connection->socket.attach(state.loop, std::move(fd), *connection)) {
    delete connection;
    state.counters.turned_away.add();
    return;
  }
  state.begin_session(*connection);
  connection->set_deadline(state.site->config().timeouts.head);
}

ClientConnection::ClientConnection(WorkerState& state, const os::Address& peer)
    : state_(state), peer_(peer) {}

ClientConnection::~ClientConnection() = default;

void ClientConnection::set_deadline(std::chrono::milliseconds from_now) {
  state_.loop.deadlines().set(*this, state_.loop.now() + from_now);
}

void ClientConnection::on_socket(loop::Socket&) {
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
    if (!held.empty()) {
      switch (parser->parse(held.view())) {
        case http::Parse::kDone:
          start_exchange(*parser);
          return true;
        case http::Parse::kRefused:
          start_refusal(parser->verdict(), nullptr);
          return true;
        case http::Parse::kIncomplete:
          break;
      }
    }
    if (!fill()) {
      if (!socket.open()) {
        end();
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

void ClientConnection::start_refusal(http::Verdict verdict, const http::RequestHead* head) {
  start_refusal(http::status_of(verdict), http::name_of(verdict), head, observe::Ending::kRefused);
}

// Reads once. false: nothing more now; a socket that is not open() any more has ended.
bool ClientConnection::fill() {
  if (!socket.readable()) return false;
  if (!held.acquire(state_.relay.heads)) {
    socket.close();
    return false;
  }
  held.compact();
  // A block can hold the largest head and more, and the parser refuses a larger one: there is always room
  // here.
  std::span<char> room = held.room();
  if (held.empty()) room = room.first(std::min(room.size(), state_.site->config().limits.head));
  const os::IoResult got = os::recv_some(socket.fd(), room);
  if (got.would_block()) {
    socket.clear_readable();
    return false;
  }
  if (!got.ok() || got.bytes == 0) {
    socket.close();
    return false;
  }
  drained_ = got.bytes < room.size();
  held.filled(got.bytes);
  return true;
}

void ClientConnection::start_exchange(http::RequestParser& parser) {
  const http::RequestHead& head = parser.head();
  const http::RequestFacts facts = http::request_facts(head);
  if (facts.verdict != http::Verdict::kOk) return start_refusal(facts.verdict, &head);
  // What was meant to travel encrypted did not; only a gateway of ours may say that it did before. RFC 9110
  // section 7.4.
  if (facts.https && !state_.site->trusts(peer_))
    return start_refusal(421, "wrong-scheme", &head, observe::Ending::kRefused);
  // All that was sent has been read, and a body is read to EAGAIN anyway: no call is needed to hear that
  // nothing is left. (Should an RST hide behind these bytes, the response's write meets it: see
  // loop/socket.h.)
  if (drained_ && facts.framing == http::Framing::kNone) socket.clear_readable();
  if (!http::normalise_path(facts.path_and_query, state_.path))
    return start_refusal(http::Verdict::kBadTarget, &head);

  const Request request{.head = head, .facts = facts, .path = state_.path};
  const Route* route = state_.site->match(facts.host, state_.path);
  const std::uint64_t body_limit = route != nullptr && route->config->body_limit != 0
                                       ? route->config->body_limit
                                       : state_.site->config().limits.body;
  phase_ = Phase::kExchange;
  const auto refuse = [&](int status, const char* why, observe::Ending ending = observe::Ending::kRefused) {
    auto refusal = std::make_unique<AnswerExchange>(*this, state_, route, request);
    refusal->refuse(status, why, false, ending);
    exchange_ = std::move(refusal);
  };
  const auto answer_options = [&] {
    auto answer = std::make_unique<AnswerExchange>(*this, state_, route, request);
    answer->answer_options();
    exchange_ = std::move(answer);
  };
  if (route == nullptr && state_.path == "*") {
    answer_options();  // "*" asks about the server itself, which is us: RFC 9110 section 9.3.7
  } else if (route == nullptr) {
    refuse(404, "no-route");
  } else if (body_limit != 0 && facts.framing == http::Framing::kLength && facts.length > body_limit) {
    refuse(413, "body-too-large", observe::Ending::kClientBodyTooLarge);
  } else if (route->group != nullptr && facts.max_forwards == 0) {
    answer_options();  // we are the last it allows, and only OPTIONS gets here: RFC 9110 section 7.6.2
  } else if (route->group != nullptr) {
    exchange_ = std::make_unique<ProxyExchange>(*this, state_, *route, request, body_limit);
  } else {
    exchange_ = std::make_unique<AnswerExchange>(*this, state_, route, request);
  }
  exchange_->start();
  partial_.reset();
}

void ClientConnection::start_refusal(int status, const char* why, const http::RequestHead* head,
                                     observe::Ending ending) {
  phase_ = Phase::kExchange;
  static const http::RequestHead kNoHead{};
  const http::RequestFacts facts{.keep_alive = false};
  // What could not be parsed is not logged as if it had been.
  const Request request{.head = head != nullptr ? *head : kNoHead, .facts = facts, .path = {}};
  auto refusal = std::make_unique<AnswerExchange>(*this, state_, nullptr, request);
  refusal->refuse(status, why, true, ending);
  exchange_ = std::move(refusal);
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
        os::set_reset_on_close(socket.fd());
        return end();
      case Outcome::kCut:
        return end();
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

// Closing with unread bytes in the kernel would send RST, and RST destroys a response the client has not read
// yet. So: FIN, then read and throw away until the client closes as well. RFC 9112 section 9.6.
void ClientConnection::begin_linger() {
  phase_ = Phase::kLinger;
  os::shutdown_write(socket.fd());
  held.release();
  set_deadline(state_.site->config().timeouts.linger);
  linger();
}

void ClientConnection::linger() {
  std::array<char, 16384> waste;
  for (int i = 0; i < 64 && socket.readable(); ++i) {
    const os::IoResult got = os::recv_some(socket.fd(), waste);
    if (got.would_block()) {
      socket.clear_readable();
      return;
    }
    if (!got.ok() || got.bytes == 0) return end();
  }
  if (socket.peer_closed()) end();
}

void ClientConnection::on_deadline() {
  switch (phase_) {
    case Phase::kIdle:
      return end();
    case Phase::kHead:
      start_refusal(408, "head-timeout", nullptr, observe::Ending::kClientHeadTimeout);
      return settle();
    case Phase::kExchange:
      exchange_->on_deadline();
      return settle();
    case Phase::kLinger:
      return end();
  }
}

void ClientConnection::begin_drain() {
  if (phase_ == Phase::kIdle) end();
  // Others close after their response: Exchange::finish() sees state_.draining.
}

void ClientConnection::cut() {
  if (phase_ != Phase::kExchange) return end();
  exchange_->cut(observe::Ending::kDrained);
  settle();
}

}  // namespace sluice::serve
