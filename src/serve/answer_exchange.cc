#include "serve/answer_exchange.h"

#include "http/rewrite.h"
#include "http/status.h"

namespace sluice::serve {

namespace {
constexpr const char* kAllow =
    "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n";  // not CONNECT, not TRACE
}

AnswerExchange::AnswerExchange(Client& client, WorkerState& state, const Route* route, const Request& request)
    : Exchange(client, state, route, request),
      path_(request.path),
      head_(&request.head),
      skip_(size_with_body(client, request.head, request.facts, keep_alive_)) {}

AnswerExchange::~AnswerExchange() = default;

void AnswerExchange::refuse(int status, const char* why, bool close, observe::Ending ending) {
  answered_ = true;
  ending_ = ending;
  why_ = why;
  if (close) keep_alive_ = false;
  const bool plain_http = why == std::string_view(kPlainHttp);
  content::Answer plain = plain_answer(
      status, plain_http ? "This port speaks TLS: use an address that begins with https://\n" : "");
  if (status == 405) plain.fields += kAllow;
  if (status == 503) plain.fields += "Retry-After: 1\r\n";
  answer(std::move(plain));
}

void AnswerExchange::redirect(const std::string& location) {
  answered_ = true;
  why_ = "redirect-https";
  content::Answer plain = plain_answer(308);
  plain.fields += "Location: " + location + "\r\n";
  answer(std::move(plain));
}

void AnswerExchange::answer_options() {
  answered_ = true;
  answer({.status = 204, .fields = kAllow, .body = {}, .length = 0, .has_length = false});
}

void AnswerExchange::start() {
  if (!answered_) {
    const config::Handler& handler = route_->config->handler;
    if (handler.files) {
      answer_from_file();
    } else if (handler.fixed) {
      answer(fixed_answer());
    } else {
      answer(status_answer());
    }
  }
  if (lookup_.pending()) head_text_ = client_.held.view().substr(0, head_->size());
  head_ = nullptr;  // the bytes behind it are the next request's
  client_.held.consume(skip_);
  client_.held.release_if_empty();
  drive();
}

void AnswerExchange::answer_from_file() {
  content::Answer answer;
  std::string_view path = path_;
  if (route_->config->strip_prefix) {
    path.remove_prefix(std::min(path.size(), route_->config->path.size()));
  }
  std::string rooted;
  if (path.empty() || path.front() != '/') {
    rooted = "/";
    rooted += path;
    path = rooted;
  }
  const http::RequestHead* head = head_;
  if (head == nullptr) {  // back from a look-up: parsing again is cheap, keeping a parsed head for every
                          // request is not
    state_.request_parser.reset();
    (void)state_.request_parser.parse(head_text_);
    head = &state_.request_parser.head();
  }
  const auto ready = [this] {
    lookup_.drop();
    answer_from_file();
    drive();
    client_.settle();
  };
  if (route_->files->answer(*head, path, answer, lookup_, ready)) this->answer(std::move(answer));
}

content::Answer AnswerExchange::fixed_answer() const {
  const config::Fixed& fixed = *route_->config->handler.fixed;
  content::Answer answer{
      .status = fixed.status, .fields = {}, .body = {}, .length = fixed.body.size(), .has_length = true};
  if (!fixed.location.empty()) answer.fields += "Location: " + fixed.location + "\r\n";
  if (fixed.status == 204 || fixed.status == 304) {
    answer.has_length = false;
    return answer;
  }
  if (!fixed.body.empty()) {
    answer.fields += "Content-Type: " + fixed.content_type + "\r\n";
    answer.body.emplace_back(fixed.body);
  }
  return answer;
}

content::Answer AnswerExchange::status_answer() const {
  std::string text = state_.status_page ? state_.status_page() : "{}";
  content::Answer answer{.status = 200,
                         .fields = "Content-Type: application/json\r\nCache-Control: no-store\r\n",
                         .body = {},
                         .length = text.size(),
                         .has_length = true};
  answer.body.emplace_back(std::move(text));
  return answer;
}

// Rewrites the fields of an answer that is compressed, or could have been.
content::Compressors::Lease AnswerExchange::code(content::Answer& answer) {
  if (route_ == nullptr || route_->config->compress.codings.empty()) return {};
  const std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " \r\n" + answer.fields + "\r\n";
  http::ResponseParser parser({.head = 65535});
  if (parser.parse(text) != http::Parse::kDone) return {};
  const bool has_body = method_ != http::Method::kHead && !answer.body.empty();
  Coded coded =
      plan_coding(parser.head(), answer.has_length ? std::optional(answer.length) : std::nullopt, has_body);
  http::HeadWriter out({state_.relay.head_scratch.get(), state_.relay.head_scratch_size});
  http::write_recoded_fields(out, parser.head(), coded.recoding);
  answer.fields = out.text();
  if (!coded.recoding.coding.empty()) answer.has_length = false;
  return std::move(coded.compressor);
}

void AnswerExchange::answer(content::Answer answer) {
  status_ = answer.status;
  const relay::Policy policy = route_ == nullptr ? relay::Policy{} : route_->policy_of_pieces(answer.body);
  const bool head_only = method_ == http::Method::kHead;
  const bool keep = keep_alive_ && !state_.draining;
  keep_alive_ = keep;
  content::Compressors::Lease compressor = code(answer);
  // The header tells the path before it is taken, so it is worked out from the body first.
  relay::Choice choice;
  if (compressor.valid()) {
    choice = {relay::Strategy::kBuffered, relay::Reason::kTransformed};
  } else if (!head_only) {
    choice = relay::BodyTransfer::foresee(answer.body, policy, state_.relay, client_.channel());
  }
  answer_.emplace(state_, std::move(answer),
                  AnswerOptions{.keep_alive = keep,
                                .http10_client = http10_,
                                .head_only = head_only,
                                .server_timing = server_timing(choice),
                                .hsts = client_.secured().hsts,
                                .compressor = std::move(compressor),
                                .policy = policy,
                                .warmed = [this] {
                                  drive();
                                  client_.settle();
                                }});
  client_.set_deadline(config().timeouts.body_idle);
}

void AnswerExchange::drive() {
  if (!answer_ || outcome() != Outcome::kRunning) return;
  const StepResult result = answer_->step(client_);
  if (result.bytes != 0) client_.set_deadline(config().timeouts.body_idle);
  state_.counters.cold_waits.add(answer_->transfer().cold_waits() - cold_waits_);
  cold_waits_ = answer_->transfer().cold_waits();
  switch (result.step) {
    case Step::kDone:
      return end(ending_, keep_alive_ ? Outcome::kKeep : Outcome::kClose);
    case Step::kMoved:
      return go_on_later();
    case Step::kSinkFull:
    case Step::kWaiting:
    case Step::kSourceDry:
      return;
    case Step::kTruncated:
      return end(observe::Ending::kFileCut, Outcome::kCut);
    case Step::kSinkFailed:
      return end(observe::Ending::kClientGone, Outcome::kCut);
    case Step::kLedgerBroken:
      ledger_broken();
      return end(observe::Ending::kInternal, Outcome::kCut);
    case Step::kSourceFailed:
    case Step::kMalformed:
    case Step::kTooLarge:
    case Step::kUnsupported:
      return end(observe::Ending::kFileFailed, Outcome::kCut);
  }
}

void AnswerExchange::on_deadline() { end(observe::Ending::kClientStalled, Outcome::kCut); }

void AnswerExchange::cut(observe::Ending why) { end(why, Outcome::kCut); }

void AnswerExchange::end(observe::Ending ending, Outcome outcome) {
  Moved moved;
  if (answer_) {
    const relay::BodyTransfer& transfer = answer_->transfer();
    moved = {.choice = transfer.choice(),
             .out = transfer.delivered(),
             .zero_copy = transfer.zero_copy(),
             .mapped = transfer.mapped()};
    if (const content::Encoder* encoder = answer_->encoder()) note_coding(moved, *encoder);
  }
  finish(ending, outcome, moved);
}

}  // namespace sluice::serve
