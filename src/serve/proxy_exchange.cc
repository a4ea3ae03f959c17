#include "serve/proxy_exchange.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "http/rewrite.h"
#include "os/socket.h"
#include "serve/client_connection.h"

namespace sluice::serve {

namespace {

using observe::Ending;

relay::Shape shape_of(http::Framing framing) noexcept {
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

// How a body goes to a client: a length stays one; everything else is chunked, or until close for HTTP/1.0.
http::Framing framing_for_client(http::Framing upstream, bool http10) noexcept {
  if (upstream == http::Framing::kNone || upstream == http::Framing::kLength) return upstream;
  return http10 ? http::Framing::kUntilClose : http::Framing::kChunked;
}

http::ForwardedStyle style_of(config::Forwarded forwarded) noexcept {
  switch (forwarded) {
    case config::Forwarded::kOff:
      return http::ForwardedStyle::kOff;
    case config::Forwarded::kX:
      return http::ForwardedStyle::kX;
    case config::Forwarded::kRfc7239:
      return http::ForwardedStyle::kRfc7239;
    case config::Forwarded::kBoth:
      return http::ForwardedStyle::kBoth;
  }
  return http::ForwardedStyle::kX;
}

}  // namespace

ProxyExchange::ProxyExchange(ClientConnection& client, WorkerState& state, const Route& route,
                             const Request& request, std::uint64_t body_limit)
    : Exchange(client, state, &route, request),
      request_framing_(request.facts.framing),
      request_length_(request.facts.length),
      body_limit_(body_limit),
      wants_upgrade_(request.facts.wants_upgrade) {
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

bool ProxyExchange::write_request_head(const Request& request) {
  const config::Route& route = *route_->config;
  std::string_view target = request.facts.path_and_query;
  std::string stripped;
  if (route.strip_prefix && target.starts_with(route.path)) {
    // Only a prefix that stands literally in the target can be taken off it: escapes keep their meaning
    // upstream.
    target.remove_prefix(route.path.size());
    if (target.empty() || target.front() != '/') {
      stripped = "/";
      stripped += target;
      target = stripped;
    }
  }
  char ip[INET6_ADDRSTRLEN];
  const std::size_t ip_size = client_.peer().write_ip(ip);
  const config::Server& first = route_->group->config().servers.front();
  std::string upstream_host;
  if (route.host_header == config::HostHeader::kUpstream) {
    upstream_host = first.host + (first.port == 80 ? "" : ":" + std::to_string(first.port));
  }
  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  http::write_upstream_request(
      out, request.head, request.facts,
      {.target = target,
       .host = upstream_host.empty() ? request.facts.host : std::string_view(upstream_host),
       .forwarded = style_of(route.forwarded),
       .trust_client = site_->trusts(client_.peer()),
       .client_ip = {ip, ip_size},
       .client_host = request.facts.host});
  if (out.ok()) request_head_ = out.text();
  return out.ok();
}

void ProxyExchange::start() {
  if (at_ == ProxyState::kDone) {
    at_ = ProxyState::kFindingServer;
    why_ = "head-too-large";
    return give_up(431, Ending::kRefused);
  }
  find_server();
}

// --- a connection to somebody
// -----------------------------------------------------------------------------------------

void ProxyExchange::find_server() {
  upstream::Group& group = *route_->group;
  if (group.resolving()) {
    client_.set_deadline(config().timeouts.connect);
    resolving_ = group.when_resolved([this] {
      resolving_.reset();
      find_server();
      client_.settle();
    });
    return;
  }
  for (;;) {
    picked_ = group.pick(tried_);
    if (picked_ == nullptr) {
      return tried_.empty() ? give_up(503, Ending::kNoServer) : give_up(failure_.status, failure_.ending);
    }
    upstream_name_ = picked_->name();
    server_ = picked_->take_idle();
    // A request that can't be sent again must not meet a connection the server has just closed.
    while (server_ != nullptr && !request_can_be_repeated() && !server_->is_alive())
      server_ = picked_->take_idle();
    if (server_ != nullptr) {
      state_.counters.upstream_reuses.add();
      server_->use_by(*this);
      move(ProxyInput::kConnectionReused);
      return begin_request();
    }
    int error = 0;
    server_ = upstream::Connection::open(state_.loop, picked_, *this, error);
    if (server_ != nullptr) {
      state_.counters.upstream_connects.add();
      move(ProxyInput::kServerPicked);
      client_.set_deadline(config().timeouts.connect);
      return;
    }
    spdlog::warn("upstream {}: no connection to {}: {}", group.config().name, picked_->name(),
                 std::strerror(error));
    tried_.push_back(picked_.get());
    failure_ = {502, Ending::kConnectFailed};
    server_failed();
  }
}

void ProxyExchange::on_connected() {
  if (server_->connect_error() != 0) return server_lost(false);
  connect_time_ = elapsed();
  move(ProxyInput::kConnected);
  begin_request();
}

// The server is of no use for this request: try again where that is safe, else answer for it. RFC 9110
// section 9.2.2.
void ProxyExchange::server_lost(bool timed_out) {
  const bool connecting = at_ == ProxyState::kConnecting;
  // A pooled connection that the server had closed meanwhile says nothing about its health.
  const bool stale = !connecting && server_->reused() && !timed_out;
  if (!stale) server_failed();
  if (connecting) {
    failure_ = timed_out ? Failure{504, Ending::kConnectTimeout} : Failure{502, Ending::kConnectFailed};
  } else {
    failure_ = timed_out ? Failure{504, Ending::kUpstreamHeadTimeout} : Failure{502, Ending::kUpstreamGone};
  }
  const bool again = connecting || (!timed_out && request_can_be_repeated());
  server_.reset();
  request_.reset();
  partial_.reset();
  if (!again) return give_up(failure_.status, failure_.ending);
  // Stale: the same server once more; each try uses up one of its idle connections, so this ends.
  if (!stale) tried_.push_back(picked_.get());
  state_.counters.upstream_retries.add();
  request_done_ = request_abandoned_ = false;
  move(ProxyInput::kTryAgain);
  find_server();
}

void ProxyExchange::server_failed() {
  if (!picked_->failed(state_.loop.now())) return;
  state_.counters.server_marked_down.add();
  spdlog::warn("upstream {}: {} is marked down for {} ms", route_->group->config().name, picked_->name(),
               picked_->config().fail_timeout.count());
}

// Whether sending the same request again is allowed and possible: it may be repeated (RFC 9110
// section 9.2.2), and no byte of a body has left our hands.
bool ProxyExchange::request_can_be_repeated() const noexcept {
  return http::is_idempotent(method_) && request_framing_ == http::Framing::kNone && !request_head_.empty();
}

// --- the request
// ------------------------------------------------------------------------------------------------------

void ProxyExchange::begin_request() {
  request_.emplace(state_.relay, relay::StreamPlan{.in = shape_of(request_framing_),
                                                   .length = request_length_,
                                                   .chunk_out = request_framing_ == http::Framing::kChunked,
                                                   .limit = body_limit_,
                                                   .policy = route_->policy,
                                                   .filter_trailers = &http::filter_trailers});
  request_step_ = Step::kMoved;
  request_head_unsent_ = true;
  client_.set_deadline(config().timeouts.first_byte);
  drive();
}

void ProxyExchange::step_request() {
  if (request_done_ || request_abandoned_ || !request_) return;
  const std::string_view head =
      std::exchange(request_head_unsent_, false) ? std::string_view(request_head_) : std::string_view();
  const StepResult result = request_->step(client_.socket, client_.held, server_->socket, kBudget, head);
  request_step_ = result.step;
  if (result.bytes != 0) client_.set_deadline(config().timeouts.body_idle);
  switch (result.step) {
    case Step::kDone:
      request_done_ = true;
      if (request_framing_ != http::Framing::kNone) client_.set_deadline(config().timeouts.first_byte);
      return;
    case Step::kMoved:
      return go_on_later();
    case Step::kSourceDry:
    case Step::kSinkFull:
    case Step::kWaiting:
      return;
    case Step::kSinkFailed:  // it may have answered before it closed: read on
      request_abandoned_ = true;
      keep_alive_ = keep_alive_ && request_->source_done();
      server_->socket.mark_readable();
      return;
    case Step::kTruncated:
    case Step::kSourceFailed:
      return end_cut(Ending::kClientBodyCut);
    case Step::kMalformed:
      keep_alive_ = false;
      why_ = "chunk-malformed";
      return at_ == ProxyState::kAwaitingHead ? give_up(400, Ending::kClientBodyMalformed)
                                              : end_cut(Ending::kClientBodyMalformed);
    case Step::kTooLarge:
      keep_alive_ = false;
      why_ = "body-too-large";
      return at_ == ProxyState::kAwaitingHead ? give_up(413, Ending::kClientBodyTooLarge)
                                              : end_cut(Ending::kClientBodyTooLarge);
    case Step::kLedgerBroken:
    case Step::kUnsupported:
      return end_cut(Ending::kInternal);
  }
}

// --- the response's head
// ----------------------------------------------------------------------------------------------

void ProxyExchange::read_response() {
  http::ResponseParser* parser = partial_.get();
  if (parser == nullptr) {
    parser = &state_.response_parser;
    parser->reset();
  }
  relay::Buffer& held = server_->held;
  bool drained = false;
  while (at_ == ProxyState::kAwaitingHead) {
    if (!held.empty()) {
      switch (parser->parse(held.view())) {
        case http::Parse::kRefused:
          why_ = http::name_of(parser->verdict());
          server_failed();
          return give_up(502, Ending::kUpstreamHeadInvalid);
        case http::Parse::kDone:
          if (!take_head(parser->head(), drained)) return;
          partial_.reset();  // an interim response; its head has been consumed
          parser = &state_.response_parser;
          parser->reset();
          continue;
        case http::Parse::kIncomplete:
          break;
      }
    }
    loop::Socket& socket = server_->socket;
    if (!socket.readable()) break;
    if (!held.acquire(state_.relay.heads)) return end_cut(Ending::kInternal);
    held.compact();
    // The first read is capped, so that a large body is not pulled into user memory along with its head.
    const std::span<char> room = held.room().first(std::min(held.room().size(), config().limits.head));
    const os::IoResult got = os::recv_some(socket.fd(), room);
    if (got.would_block()) {
      socket.clear_readable();
      break;
    }
    if (!got.ok() || got.bytes == 0) {
      if (!held.empty())
        forget_request();  // a head that breaks off was meant for us: the request was acted on
      return server_lost(false);
    }
    drained = got.bytes < room.size();
    held.filled(got.bytes);
    if (first_byte_time_.count() < 0) first_byte_time_ = elapsed();
  }
  if (at_ != ProxyState::kAwaitingHead) return;
  held.release_if_empty();
  if (!held.empty() && partial_ == nullptr) partial_ = std::make_unique<http::ResponseParser>(*parser);
}

// true: it was an interim response, look for the next head.
bool ProxyExchange::take_head(const http::ResponseHead& head, bool drained) {
  const http::ResponseFacts facts = http::response_facts(head, method_);
  if (facts.verdict != http::Verdict::kOk || (head.status == 101 && !wants_upgrade_)) {
    why_ = http::name_of(head.status == 101 ? http::Verdict::kUnexpectedUpgrade : facts.verdict);
    give_up(502, Ending::kUpstreamHeadInvalid);
    return false;
  }
  if (facts.interim) {
    pass_interim(head);
    return at_ == ProxyState::kAwaitingHead;
  }
  picked_->succeeded();
  forget_request();  // from here on there is no other try
  if (head.status == 101) {
    begin_tunnel(head);
  } else {
    begin_response(head, facts, drained);
  }
  return false;
}

void ProxyExchange::pass_interim(const http::ResponseHead& head) {
  move(ProxyInput::kInterim);
  if (!http10_) {  // RFC 9110 section 15.2: never to an HTTP/1.0 client
    http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
    http::write_client_response(out, head, {});
    // Bounded: a server that sends interim responses to a client that reads none is broken off.
    if (!out.ok() || interim_left_.size() + out.text().size() > 64_KiB) {
      why_ = "too-many-interim-responses";
      return give_up(502, Ending::kUpstreamHeadInvalid);
    }
    interim_left_ += out.text();
    send_interim();
  }
  server_->held.consume(head.size());
}

void ProxyExchange::send_interim() {
  while (!interim_left_.empty() && client_.socket.writable()) {
    const iovec piece{.iov_base = interim_left_.data(), .iov_len = interim_left_.size()};
    const os::IoResult put = os::send_some(client_.socket.fd(), {&piece, 1}, false);
    if (!put.ok())
      return client_.socket.clear_writable();  // gone or full: the response's own head finds out which
    interim_left_.erase(0, put.bytes);
  }
}

void ProxyExchange::begin_response(const http::ResponseHead& head, const http::ResponseFacts& facts,
                                   bool drained) {
  status_ = head.status;
  response_can_keep_ = facts.keep_alive;
  const http::Framing framing = framing_for_client(facts.framing, http10_);
  client_close_delimited_ = framing == http::Framing::kUntilClose;
  keep_alive_ = keep_alive_ && !client_close_delimited_ && !state_.draining;

  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  out.put(interim_left_);
  interim_left_.clear();
  const bool has_body = facts.framing != http::Framing::kNone;
  response_.emplace(state_.relay, relay::StreamPlan{.in = shape_of(facts.framing),
                                                    .length = has_body ? facts.length : 0,
                                                    .chunk_out = framing == http::Framing::kChunked,
                                                    .policy = route_->policy,
                                                    .filter_trailers = &http::filter_trailers});
  // The head's bytes stay where they are: only what lies behind them moves from here on.
  server_->held.consume(head.size());
  const std::size_t came_along = server_->held.size();
  const bool tells_path = route_->config->server_timing;
  http::write_client_response(
      out, head,
      {.framing = framing,
       .length = facts.length,
       .has_length = facts.has_length,
       .keep_alive = keep_alive_,
       .http10_client = http10_,
       .date = facts.has_date ? std::string_view() : state_.date(),
       .server_timing = tells_path ? server_timing(response_->foresee(server_->held)) : std::string_view()});
  if (!out.ok()) {
    why_ = "head-too-large";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  move(ProxyInput::kHead);
  client_.set_deadline(config().timeouts.body_idle);
  // Nothing is left to read when the whole body came with the head: no call is needed to hear so.
  const bool whole = !has_body || (facts.framing == http::Framing::kLength && facts.length <= came_along);
  if (whole && drained) server_->socket.clear_readable();
  relay_body(out.text());
}

// --- the response's body
// ----------------------------------------------------------------------------------------------

void ProxyExchange::relay_body(std::string_view head) {
  const StepResult result = response_->step(server_->socket, server_->held, client_.socket, kBudget, head);
  response_step_ = result.step;
  if (result.bytes != 0) client_.set_deadline(config().timeouts.body_idle);
  const auto broken = [&](Ending ending) {
    if (response_->sink_touched()) return end_cut(ending);
    give_up(502, ending);  // the client has seen nothing yet: it can be told
  };
  switch (result.step) {
    case Step::kDone:
      return deliver();
    case Step::kMoved:
      return go_on_later();
    case Step::kSourceDry:
    case Step::kSinkFull:
    case Step::kWaiting:
      return;
    case Step::kTruncated:
    case Step::kSourceFailed:
      return broken(Ending::kUpstreamCut);
    case Step::kMalformed:
      return broken(Ending::kUpstreamMalformed);
    case Step::kSinkFailed:
      return end_cut(Ending::kClientGone);
    case Step::kLedgerBroken:
    case Step::kTooLarge:
    case Step::kUnsupported:
      return end_cut(Ending::kInternal);
  }
}

void ProxyExchange::deliver() {
  move(ProxyInput::kDelivered);
  const Moved all = moved();
  // The server's connection goes back before the next request is looked at, so that the next one finds it.
  if (response_can_keep_ && request_done_ && server_->is_clean()) {
    upstream::Connection::keep(std::move(server_));
  } else {
    server_.reset();
  }
  // A request that was not read to its end leaves no way to find the next one.
  const bool keep = keep_alive_ && request_done_;
  finish(Ending::kCompleted, keep ? Outcome::kKeep : Outcome::kClose, all);
}

void ProxyExchange::begin_tunnel(const http::ResponseHead& head) {
  status_ = 101;
  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  out.put(interim_left_);
  http::write_client_response(out, head, {.upgrade = true});
  if (!out.ok()) {
    why_ = "head-too-large";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  server_->held.consume(head.size());
  move(ProxyInput::kSwitched);
  state_.counters.tunnels.add();
  tunnel_ = std::make_unique<Tunnel>(state_.relay, route_->policy, Tunnel::End{client_.socket, client_.held},
                                     Tunnel::End{server_->socket, server_->held});
  client_.set_deadline(config().timeouts.tunnel_idle);
  step_tunnel(out.text());
}

void ProxyExchange::step_tunnel(std::string_view head) {
  const Tunnel::Result result = tunnel_->drive(kBudget, head);
  if (tunnel_->moved()) client_.set_deadline(config().timeouts.tunnel_idle);
  switch (result) {
    case Tunnel::Result::kRunning:
      return;
    case Tunnel::Result::kMoreLater:
      return go_on_later();
    case Tunnel::Result::kEnded:
      move(ProxyInput::kDelivered);
      state_.counters.tunnels.subtract();
      return finish(Ending::kCompleted, Outcome::kClose, moved());
    case Tunnel::Result::kFailed:
      return end_cut(Ending::kTunnelFailed);
    case Tunnel::Result::kInternal:
      return end_cut(Ending::kInternal);
  }
}

// --- the ways to end
// --------------------------------------------------------------------------------------------------

// An answer of our own instead of the upstream's; nothing of the latter has reached the client.
void ProxyExchange::give_up(int status, Ending ending) {
  if (outcome() != Outcome::kRunning) return;
  move(ProxyInput::kGiveUp);
  server_.reset();
  resolving_.reset();
  if (request_framing_ != http::Framing::kNone && !request_done_) keep_alive_ = false;
  forget_request();
  response_.reset();
  status_ = status;
  answer_ending_ = ending;
  keep_alive_ = keep_alive_ && !state_.draining;
  content::Answer plain = plain_answer(status);
  if (status == 503) plain.fields += "Retry-After: 1\r\n";
  answer_ = std::make_unique<OwnAnswer>(state_, std::move(plain),
                                        AnswerOptions{.keep_alive = keep_alive_,
                                                      .http10_client = http10_,
                                                      .head_only = method_ == http::Method::kHead,
                                                      .policy = route_->policy});
  client_.set_deadline(config().timeouts.body_idle);
  step_answer();
}

void ProxyExchange::step_answer() {
  const StepResult result = answer_->step(client_.socket, kBudget);
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
    os::set_reset_on_close(server_->socket.fd());
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
  } else if (answer_ != nullptr) {
    all.choice = answer_->transfer().choice();
    all.out = answer_->transfer().delivered();
  }
  return all;
}

// --- events
// -----------------------------------------------------------------------------------------------------------

void ProxyExchange::drive() {
  if (outcome() != Outcome::kRunning) return;
  switch (at_) {
    case ProxyState::kFindingServer:
      return;
    case ProxyState::kConnecting:
      if (server_->socket.writable()) on_connected();
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

void ProxyExchange::on_socket(loop::Socket&) {
  drive();
  client_.settle();  // may destroy us
}

void ProxyExchange::on_client() {
  const bool reading = at_ == ProxyState::kTunnel || (request_ && !request_done_ && !request_abandoned_);
  if (!reading && client_is_gone()) return end_cut(Ending::kClientGone);
  drive();
}

// While nothing is read from the client its reset would go unnoticed, and the server would work for nobody. A
// FIN alone is no reason to stop: a client may shut down its sending side and wait for the answer.
bool ProxyExchange::client_is_gone() {
  if (!client_.socket.readable()) return false;
  char byte;
  const os::IoResult seen = os::peek(client_.socket.fd(), {&byte, 1});
  if (seen.would_block()) client_.socket.clear_readable();
  return !seen.ok() && !seen.would_block();
}

void ProxyExchange::on_deadline() {
  switch (at_) {
    case ProxyState::kFindingServer:
      return give_up(503, Ending::kNoServer);
    case ProxyState::kConnecting:
      return server_lost(true);
    case ProxyState::kAwaitingHead:
      if (!request_done_ && !request_abandoned_ && request_step_ == Step::kSourceDry) {
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
