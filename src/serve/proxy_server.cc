// Proxy exchange: a connection to somebody, and what happens when that fails.
#include <cerrno>

#include "os/shortage.h"
#include "serve/proxy_exchange.h"

namespace sluice::serve {

using observe::Ending;

namespace {
constexpr unsigned kMostRefusals = 2;  // by one server
}

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
    upstream_http2_ = picked_->config().protocol == config::UpstreamProtocol::kHttp2;
    // A request that can't be sent again must not meet a connection the server has just closed.
    server_ = upstream::Connection::find(state_.means(), picked_, *this, !request_can_be_repeated(false));
    if (server_ != nullptr) {
      state_.counters.upstream_reuses.add();
      move(ProxyInput::kConnectionReused);
      return begin_request();
    }
    int error = 0;
    server_ = upstream::Connection::open(state_.means(), picked_, *this, error);
    if (server_ != nullptr) {
      (server_->shares() ? state_.counters.upstream_reuses : state_.counters.upstream_connects).add();
      move(ProxyInput::kServerPicked);
      client_.set_deadline(config().timeouts.connect);
      return;
    }
    state_.tell_no_connection(group.config().name, picked_->name(), error);
    // That says nothing about the server, and we would be no better off with another.
    if (os::is_shortage(error)) return give_up(503, Ending::kConnectFailed);
    tried_.push_back(picked_.get());
    failure_ = {502, Ending::kConnectFailed};
    server_failed();
  }
}

void ProxyExchange::on_connected(int error) {
  if (error == EAGAIN) {  // others were quicker to take what streams there are: no failure
    server_.reset();
    move(ProxyInput::kTryAgain);
    return find_server();
  }
  if (error != 0) {
    state_.tell_no_tls(route_->group->config().name, picked_->name(), server_->failure());
    return server_lost(error == ETIMEDOUT);
  }
  connect_time_ = elapsed();
  move(ProxyInput::kConnected);
  begin_request();
}

// The server is of no use for this request: try again where that is safe, else answer for it. RFC 9110
// section 9.2.2.
void ProxyExchange::server_lost(bool timed_out) {
  const bool connecting = at_ == ProxyState::kConnecting;
  const bool unprocessed = !connecting && server_->unprocessed();
  const bool stale =
      !connecting && !timed_out && (unprocessed ? ++refusals_ <= kMostRefusals : server_->went_stale());
  if (server_->take_blame() || (timed_out && !connecting)) server_failed();
  if (connecting) {
    failure_ = timed_out ? Failure{504, Ending::kConnectTimeout} : Failure{502, Ending::kConnectFailed};
  } else {
    failure_ = timed_out ? Failure{504, Ending::kUpstreamHeadTimeout} : Failure{502, Ending::kUpstreamGone};
  }
  const bool again = connecting || (!timed_out && request_can_be_repeated(unprocessed));
  upstream::Connection::drop(std::move(server_), timed_out);
  partial_.reset();
  if (!again) return give_up(failure_.status, failure_.ending);  // what was sent of the request still counts
  request_.reset();
  // Stale: the same server once more; each try uses up one of its connections or refusals, so this ends.
  if (!stale) tried_.push_back(picked_.get());
  state_.counters.upstream_retries.add();
  request_done_ = request_abandoned_ = false;
  move(ProxyInput::kTryAgain);
  find_server();
}

void ProxyExchange::server_failed() {
  if (picked_->failed(state_.loop.now())) state_.tell_marked_down(route_->group->config().name, *picked_);
}

// Whether sending the same request again is allowed and possible: it may be repeated (RFC 9110
// section 9.2.2) or the server says that it did nothing (RFC 9113 section 8.7), and no byte of a body has left our
// hands.
bool ProxyExchange::request_can_be_repeated(bool unprocessed) const noexcept {
  const bool body_is_whole = !request_has_body() || (unprocessed && !(request_ && request_->begun()));
  return body_is_whole && (unprocessed || http::is_idempotent(method_)) && !request_head_.empty();
}

}  // namespace sluice::serve
