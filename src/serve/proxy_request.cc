// Proxy exchange: the request on its way to the server.
#include "http/chars.h"
#include "http/rewrite.h"
#include "serve/proxy_exchange.h"
#include "tls/websocket.h"

namespace sluice::serve {

using observe::Ending;

namespace {

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
  // An HTTP/1.0 client may have sent no Host; the request goes on as HTTP/1.1, which needs one.
  if (route.host_header == config::HostHeader::kUpstream || request.facts.host.empty()) {
    const std::uint16_t usual_port = route_->group->config().tls ? 443 : 80;
    upstream_host = first.host + (first.port == usual_port ? "" : ":" + std::to_string(first.port));
  }
  const Secured& secured = client_.secured();
  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  http::write_upstream_request(
      out, request.head, request.facts,
      {.target = target,
       .host = upstream_host.empty() ? request.facts.host : std::string_view(upstream_host),
       .forwarded = style_of(route.forwarded),
       .trust_client = site_->trusts(client_.peer()),
       .client_ip = {ip, ip_size},
       .client_host = request.facts.host,
       .scheme = secured.on ? "https" : "http",
       .http2 = client_.multiplexed(),
       .client_certificate = secured.client_certificate,
       .client_subject = secured.client_subject,
       .client_verified = secured.client_verified});
  if (out.ok()) request_head_ = out.text();
  return out.ok();
}

// Other upgrades do not exist in HTTP/2: there the request goes on as if it had not asked for one.
void ProxyExchange::note_websocket(const http::RequestHead& head) {
  if (!http::equals_ignoring_case(head.find_value(http::FieldId::kUpgrade), "websocket")) return;
  for (const http::Field& field : head.fields())
    if (http::equals_ignoring_case(head.name(field), "sec-websocket-key"))
      websocket_accept_ = tls::websocket_accept(head.value(field));
}

// RFC 8441: a tunnel within a stream.
void ProxyExchange::begin_extended_connect() {
  if (!server_->takes_tunnels()) {
    why_ = "no-extended-connect";
    return give_up(502, Ending::kUpstreamHeadInvalid);
  }
  (void)server_->send_head(request_head_, upstream::Behind::kTunnel, method_);
  request_done_ = true;  // what follows is the tunnel's
  client_.set_deadline(first_byte());
  drive();
}

void ProxyExchange::begin_request() {
  if (extends_connect()) return begin_extended_connect();
  // HTTP/2 takes its frames off, and puts them on, itself: what is left of a body without length is its end.
  const bool framed = client_.multiplexed() && request_framing_ == http::Framing::kChunked;
  request_.emplace(
      state_.relay,
      relay::StreamPlan{.in = framed ? relay::Shape::kUntilClose : shape_of(request_framing_),
                        .length = request_length_,
                        .chunk_out = request_framing_ == http::Framing::kChunked && !server_->multiplexed(),
                        .limit = body_limit_,
                        .policy = request_framing_ == http::Framing::kNone ? route_->policy
                                                                           : route_->policy_of_stream(),
                        .filter_trailers = &http::filter_trailers});
  request_step_ = Step::kMoved;
  request_head_unsent_ = true;
  // A client that waits for a 100 waits for the server.
  const bool body_is_due = request_framing_ != http::Framing::kNone && !awaits_continue_;
  client_.set_deadline(body_is_due ? body_idle() : first_byte());
  drive();
}

void ProxyExchange::step_request() {
  if (request_done_ || request_abandoned_ || !request_) return;
  std::string_view head;
  if (std::exchange(request_head_unsent_, false)) {
    const auto behind = request_has_body() ? upstream::Behind::kBody : upstream::Behind::kNothing;
    head = server_->send_head(request_head_, behind, method_);
  }
  const StepResult result =
      request_->step(client_.channel(), client_.held, server_->channel(), kBudget, head);
  request_step_ = result.step;
  if (result.bytes != 0) {
    awaits_continue_ = false;  // if it ever did
    client_.set_deadline(body_idle());
  }
  switch (result.step) {
    case Step::kDone:
      request_done_ = true;
      if (request_framing_ != http::Framing::kNone) client_.set_deadline(first_byte());
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
      server_->channel().mark_readable();
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
      ledger_broken();
      return end_cut(Ending::kInternal);
    case Step::kUnsupported:
      return end_cut(Ending::kInternal);
  }
}

}  // namespace sluice::serve
