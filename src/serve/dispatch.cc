#include "serve/dispatch.h"

#include "http/target.h"
#include "serve/answer_exchange.h"
#include "serve/follow_exchange.h"
#include "serve/proxy_exchange.h"

namespace sluice::serve {

namespace {

// Whoever gives certificates away asks by http, before there is one. RFC 8555 section 8.3.
bool answers_challenges(const Route* route) noexcept {
  return route != nullptr && route->config->path.starts_with("/.well-known/acme-challenge");
}

std::unique_ptr<Exchange> send_to_https(Client& client, WorkerState& state, const Request& request) {
  const http::RequestFacts& facts = request.facts;
  auto answer = std::make_unique<AnswerExchange>(client, state, nullptr, request);
  if (request.path == "*") {
    answer->answer_options();
  } else {
    answer->redirect(http::https_location(facts.host, facts.path_and_query, state.site->https_port()));
  }
  return answer;
}

}  // namespace

std::unique_ptr<Exchange> dispatch(Client& client, WorkerState& state, const http::RequestHead& head,
                                   const http::RequestFacts& facts) {
  const auto refuse_head = [&](int status, const char* why) {
    return refuse(client, state, status, why, &head, observe::Ending::kRefused);
  };
  if (facts.verdict != http::Verdict::kOk)
    return refuse_head(http::status_of(facts.verdict), http::name_of(facts.verdict));
  // What was meant to travel encrypted did not; only a gateway of ours may say that it did before. RFC 9110
  // section 7.4.
  if (facts.https && !client.secured().on && !state.site->trusts(client.peer()))
    return refuse_head(421, "wrong-scheme");
  if (!http::normalise_path(facts.path_and_query, state.path))
    return refuse_head(http::status_of(http::Verdict::kBadTarget), http::name_of(http::Verdict::kBadTarget));

  const Request request{.head = head, .facts = facts, .path = state.path};
  const Route* route = state.site->match(facts.host, state.path);
  if (client.secured().to_https && !answers_challenges(route)) {
    // An HTTP/1.0 client may not say which host it wants, and then there is no place to name.
    if (facts.host.empty()) return refuse_head(400, http::name_of(http::Verdict::kHostMissing));
    return send_to_https(client, state, request);
  }
  const std::uint64_t body_limit = route != nullptr && route->config->body_limit != 0
                                       ? route->config->body_limit
                                       : state.site->config().limits.body;
  const bool too_large =
      body_limit != 0 && facts.framing == http::Framing::kLength && facts.length > body_limit;
  if (route != nullptr && route->group != nullptr && facts.max_forwards != 0 && !too_large)
    return std::make_unique<ProxyExchange>(client, state, *route, request, body_limit);

  if (route != nullptr && !too_large && FollowExchange::concerns(*route, head, facts))
    return std::make_unique<FollowExchange>(client, state, *route, request);

  auto answer = std::make_unique<AnswerExchange>(client, state, route, request);
  if (route == nullptr && state.path == "*") {
    answer->answer_options();  // "*" asks about the server itself, which is us: RFC 9110 section 9.3.7
  } else if (route == nullptr) {
    answer->refuse(404, "no-route", false);
  } else if (too_large) {
    answer->refuse(413, "body-too-large", false, observe::Ending::kClientBodyTooLarge);
  } else if (route->group != nullptr) {
    answer
        ->answer_options();  // we are the last it allows, and only OPTIONS gets here: RFC 9110 section 7.6.2
  }
  return answer;
}

std::unique_ptr<Exchange> refuse(Client& client, WorkerState& state, int status, const char* why,
                                 const http::RequestHead* head, observe::Ending ending) {
  static const http::RequestHead kNoHead{};
  const http::RequestFacts facts{.keep_alive = false};
  const Request request{.head = head != nullptr ? *head : kNoHead, .facts = facts, .path = {}};
  auto refusal = std::make_unique<AnswerExchange>(client, state, nullptr, request);
  refusal->refuse(status, why, true, ending);
  return refusal;
}

}  // namespace sluice::serve
