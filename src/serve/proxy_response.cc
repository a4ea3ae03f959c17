// Proxy exchange: the response's head, its body, and what follows a 101.
#include <utility>

#include "http/rewrite.h"
#include "serve/proxy_exchange.h"

namespace sluice::serve {

using observe::Ending;

namespace {

constexpr unsigned kMostInterims = 1000;

// How a body goes to a client: a length stays one; everything else is chunked, or until close for HTTP/1.0.
http::Framing framing_for_client(http::Framing upstream, bool http10) noexcept {
  if (upstream == http::Framing::kNone || upstream == http::Framing::kLength) return upstream;
  return http10 ? http::Framing::kUntilClose : http::Framing::kChunked;
}

}  // namespace

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
    relay::Channel& channel = server_->channel();
    if (!channel.readable()) break;
    if (!held.acquire(state_.relay.heads)) return end_cut(Ending::kInternal);
    held.compact();
    // The block is small, so that a large body is not pulled into user memory along with its head; but 16 KiB, a size
    // that many servers write at once, come with theirs in one read.
    const std::span<char> room = held.room();
    const os::IoResult got = channel.recv(room);
    if (got.would_block()) break;
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
  if (picked_->succeeded()) state_.tell_up_again(route_->group->config().name, *picked_);
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
  if (head.status == 100 && std::exchange(awaits_continue_, false)) client_.set_deadline(body_idle());
  // A server that goes on for ever would keep the loop to itself.
  if (++interims_ > kMostInterims) {
    why_ = "too-many-interim-responses";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  if (!http10_) {  // RFC 9110 section 15.2: never to an HTTP/1.0 client
    http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
    http::write_client_response(out, head, {});
    // Bounded: a server that sends interim responses to a client that reads none is broken off.
    if (!out.ok() || interim_left_.size() + out.text().size() > 64_KiB) {
      why_ = "too-many-interim-responses";
      return give_up(502, Ending::kUpstreamHeadInvalid);
    }
    interim_left_ += client_.send_head(out.text(), HeadKind::kInterim);
    send_interim();
  }
  server_->held.consume(head.size());
}

void ProxyExchange::send_interim() {
  while (!interim_left_.empty() && client_.channel().writable()) {
    const iovec piece{.iov_base = interim_left_.data(), .iov_len = interim_left_.size()};
    const os::IoResult put = client_.channel().send({&piece, 1}, false);
    if (!put.ok()) return;  // gone or full: the response's own head finds out which
    interim_left_.erase(0, put.bytes);
  }
}

std::string_view ProxyExchange::foreseen_path(bool encodes) {
  if (encodes) return server_timing({relay::Strategy::kBuffered, relay::Reason::kTransformed});
  if (!response_->foreseeable(server_->held)) return "sluice;desc=\"decided chunk by chunk\"";
  return server_timing(response_->foresee(server_->channel(), server_->held, client_.channel()));
}

void ProxyExchange::begin_response(const http::ResponseHead& head, const http::ResponseFacts& facts,
                                   bool drained) {
  status_ = head.status;
  response_can_keep_ = facts.keep_alive;
  const bool has_body = facts.framing != http::Framing::kNone;
  Coded coded = plan_coding(head, facts.has_length ? std::optional(facts.length) : std::nullopt, has_body);
  const bool encodes = coded.compressor.valid();
  const http::Framing framing =
      encodes ? http::Framing::kChunked : framing_for_client(facts.framing, http10_);
  client_close_delimited_ = framing == http::Framing::kUntilClose;
  keep_alive_ = keep_alive_ && !client_close_delimited_ && !state_.draining;

  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  out.put(interim_left_);  // it counts as waiting until the first byte is out: see give_up()
  const bool empty = !has_body || (facts.framing == http::Framing::kLength && facts.length == 0);
  // A stream's end is its own sign, and behind it come trailers; HTTP/2 itself looks whether a length is kept.
  const bool by_stream = server_->multiplexed() && !empty;
  response_.emplace(
      state_.relay,
      relay::StreamPlan{
          .in = by_stream ? relay::Shape::kUntilClose : shape_of(facts.framing),
          .length = has_body ? facts.length : 0,
          .chunk_out = framing == http::Framing::kChunked && !encodes && !client_.multiplexed(),
          .policy = route_->policy_of_stream(),
          .filter_trailers = encodes ? &http::filter_recoded_trailers : &http::filter_trailers});
  // The head's bytes stay where they are: only what lies behind them moves from here on.
  server_->held.consume(head.size());
  const std::size_t came_along = server_->held.size();
  const bool tells_path = route_->config->server_timing;
  http::write_client_response(out, head,
                              {.framing = framing,
                               .length = facts.length,
                               // Of a body that a GET gets, or would have got, as it came.
                               .has_length = facts.has_length && !coded.recoding.weak_tag,
                               .keep_alive = keep_alive_,
                               .http10_client = http10_,
                               .date = facts.has_date ? std::string_view() : state_.date(),
                               .server_timing = tells_path ? foreseen_path(encodes) : std::string_view(),
                               .hsts = client_.secured().hsts,
                               .recoding = coded.recoding});
  if (!out.ok()) {
    why_ = "head-too-large";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  move(ProxyInput::kHead);
  client_.set_deadline(body_idle());
  // Nothing is left to read when the whole body came with the head: no call is needed to hear so.
  const bool whole = !has_body || (facts.framing == http::Framing::kLength && facts.length <= came_along);
  if (whole && drained) server_->channel().clear_readable();
  const std::string_view text = client_.send_head(out.text(), empty ? HeadKind::kWhole : HeadKind::kFinal);
  if (!encodes) return relay_body(text);
  // A body of known length is whole at its server; others may be made while the client reads.
  sink_.encode(state_, client_, std::move(coded.compressor), facts.framing != http::Framing::kLength, text);
  relay_body({});
}

void ProxyExchange::relay_body(std::string_view head) {
  const StepResult result = sink_.settle(
      response_->step(server_->channel(), server_->held, sink_.channel(client_), sink_.budget(), head));
  response_step_ = result.step;
  if (client_saw()) interim_left_.clear();
  if (result.bytes != 0) client_.set_deadline(body_idle());
  const auto broken = [&](Ending ending) {
    if (client_saw() || client_.multiplexed()) return end_cut(ending);  // there the head is out
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
      ledger_broken();
      return end_cut(Ending::kInternal);
    case Step::kTooLarge:
    case Step::kUnsupported:
      return end_cut(Ending::kInternal);
  }
}

// Something of the response has left for the client.
bool ProxyExchange::client_saw() const noexcept {
  return sink_.encoder() != nullptr ? sink_.encoder()->written() != 0 : response_->sink_touched();
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
  http::write_client_response(out, head, {.websocket_accept = websocket_accept_, .upgrade = true});
  if (!out.ok()) {
    why_ = "head-too-large";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  server_->held.consume(head.size());
  move(ProxyInput::kSwitched);
  state_.counters.tunnels.add();
  tunnel_ =
      std::make_unique<Tunnel>(state_.relay, route_->policy, Tunnel::End{client_.channel(), client_.held},
                               Tunnel::End{server_->channel(), server_->held});
  client_.set_deadline(config().timeouts.tunnel_idle);
  step_tunnel(client_.send_head(out.text(), HeadKind::kSwitched));
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
      ledger_broken();
      return end_cut(Ending::kInternal);
  }
}

}  // namespace sluice::serve
