#include "serve/proxy_exchange.h"

#include <spdlog/spdlog.h>

#include <cerrno>

namespace sluice::serve {

using observe::Ending;

ProxyExchange::ProxyExchange(Client& client, WorkerState& state, const Route& route, const Request& request,
                             std::uint64_t body_limit)
    : Exchange(client, state, &route, request),
      request_framing_(request.facts.framing),
      request_length_(request.facts.length),
      body_limit_(body_limit),
      wants_upgrade_(request.facts.wants_upgrade),
      grpc_(request.head.find_value(http::FieldId::kContentType).starts_with("application/grpc")),
      awaits_continue_(request.facts.expects_continue) {
  if (wants_upgrade_ && route.group->config().protocol == config::UpstreamProtocol::kHttp2)
    note_websocket(request.head);
  const std::size_t head_size = request.head.size();
  if (write_request_head(request)) {
    client.held.consume(head_size);
    client.held.release_if_empty();
  } else {
    client.held.consume(head_size);
    keep_alive_ = false;
    at_ = ProxyState::kDone;  // start() refuses
  }
}

ProxyExchange::~ProxyExchange() = default;

// Every change of state goes through the drawing.
void ProxyExchange::move(ProxyInput input) {
  bool drawn = false;
  const ProxyState to = next(at_, input, drawn);
  if (!drawn) {
    spdlog::error("proxy exchange: input {} in state {} is not drawn", static_cast<int>(input),
                  static_cast<int>(at_));
  }
  at_ = to;
}

void ProxyExchange::start() {
  if (at_ == ProxyState::kDone) {
    at_ = ProxyState::kFindingServer;
    why_ = "head-too-large";
    return give_up(431, Ending::kRefused);
  }
  find_server();
}

// An answer of our own instead of the upstream's; nothing of the latter has reached the client.
void ProxyExchange::give_up(int status, Ending ending) {
  if (outcome() != Outcome::kRunning) return;
  // Part of an interim response may be out already, and an answer can't begin inside it.
  if (!interim_left_.empty()) return end_cut(ending);
  move(ProxyInput::kGiveUp);
  server_.reset();
  resolving_.reset();
  if (request_framing_ != http::Framing::kNone && !request_done_) keep_alive_ = false;
  forget_request();
  response_.reset();
  sink_.stop_encoding();
  status_ = status;
  answer_ending_ = ending;
  keep_alive_ = keep_alive_ && !state_.draining;
  content::Answer plain = plain_answer(status);
  if (status == 503) plain.fields += "Retry-After: 1\r\n";
  answer_ = std::make_unique<OwnAnswer>(state_, std::move(plain),
                                        AnswerOptions{.keep_alive = keep_alive_,
                                                      .http10_client = http10_,
                                                      .head_only = method_ == http::Method::kHead,
                                                      .hsts = client_.secured().hsts,
                                                      .policy = route_->policy});
  client_.set_deadline(body_idle());
  step_answer();
}

void ProxyExchange::step_answer() {
  const StepResult result = answer_->step(client_);
  if (result.step == Step::kSinkFull) return;
  if (result.step != Step::kDone) return end_cut(answer_ending_);
  move(ProxyInput::kDelivered);
  finish(answer_ending_, keep_alive_ ? Outcome::kKeep : Outcome::kClose, moved());
}

// The client sees a cut: by the missing bytes where a length or chunks announce them, else by a reset.
void ProxyExchange::end_cut(Ending ending) {
  if (outcome() != Outcome::kRunning) return;
  if (tunnel_ != nullptr) {
    state_.counters.tunnels.subtract();
    server_->channel().close(relay::Close::kReset);
  }
  move(ProxyInput::kCut);
  const Moved all = moved();
  server_.reset();
  finish(ending, client_close_delimited_ || tunnel_ != nullptr ? Outcome::kReset : Outcome::kCut, all);
}

Exchange::Moved ProxyExchange::moved() const noexcept {
  if (tunnel_ != nullptr) {
    return {.choice = tunnel_->choice(),
            .in = tunnel_->from_client(),
            .out = tunnel_->to_client(),
            .zero_copy = tunnel_->zero_copy()};
  }
  Moved all;
  if (request_) {
    all.in = request_->delivered();
    all.zero_copy = request_->zero_copy();
  }
  if (response_) {
    all.choice = response_->choice();
    all.out = response_->delivered();
    all.zero_copy += response_->zero_copy();
    if (sink_.encoder() != nullptr) note_coding(all, *sink_.encoder());
  } else if (answer_ != nullptr) {
    all.choice = answer_->transfer().choice();
    all.out = answer_->transfer().delivered();
  }
  return all;
}

void ProxyExchange::drive() {
  if (outcome() != Outcome::kRunning) return;
  switch (at_) {
    case ProxyState::kFindingServer:
      return;
    case ProxyState::kConnecting:
      if (const int error = server_->connect_error(); error != EINPROGRESS) on_connected(error);
      return;
    case ProxyState::kAwaitingHead:
      step_request();
      if (at_ != ProxyState::kAwaitingHead || outcome() != Outcome::kRunning) return;
      send_interim();
      return read_response();
    case ProxyState::kRelayingBody:
      step_request();
      if (at_ != ProxyState::kRelayingBody || outcome() != Outcome::kRunning) return;
      return relay_body({});
    case ProxyState::kTunnel:
      return step_tunnel({});
    case ProxyState::kAnswering:
      return step_answer();
    case ProxyState::kDone:
      return;
  }
}

void ProxyExchange::on_channel(relay::Channel&) {
  drive();
  client_.settle();  // may destroy us
}

void ProxyExchange::on_client() {
  const bool reading = at_ == ProxyState::kTunnel || (request_ && !request_done_ && !request_abandoned_);
  // While nothing is read from the client its reset would go unnoticed, and the server would work for nobody. A FIN
  // alone is no reason to stop: a client may shut down its sending side and wait for the answer.
  if (!reading && client_.channel().failed()) return end_cut(Ending::kClientGone);
  drive();
}

void ProxyExchange::on_deadline() {
  switch (at_) {
    case ProxyState::kFindingServer:
      return give_up(503, Ending::kNoServer);
    case ProxyState::kConnecting:
      return server_lost(true);
    case ProxyState::kAwaitingHead:
      if (!request_done_ && !request_abandoned_ && !awaits_continue_ && request_step_ == Step::kSourceDry) {
        keep_alive_ = false;
        why_ = "body-timeout";
        return give_up(408, Ending::kClientBodyTimeout);
      }
      return server_lost(true);
    case ProxyState::kRelayingBody:
      return end_cut(response_step_ == Step::kSinkFull ? Ending::kClientStalled : Ending::kUpstreamStalled);
    case ProxyState::kTunnel:
      return end_cut(Ending::kTunnelIdle);
    case ProxyState::kAnswering:
      return end_cut(Ending::kClientStalled);
    case ProxyState::kDone:
      return;
  }
}

void ProxyExchange::cut(Ending why) { end_cut(why); }

}  // namespace sluice::serve
