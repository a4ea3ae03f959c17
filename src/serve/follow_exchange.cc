#include "serve/follow_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "content/log_files.h"
#include "http/query.h"

namespace sluice::serve {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string handler_path(const Route& route, std::string_view path) {
  if (route.config->strip_prefix || route.log != nullptr)
    path.remove_prefix(std::min(path.size(), route.config->path.size()));
  return path.starts_with('/') ? std::string(path) : "/" + std::string(path);
}

std::uint64_t size_of(const relay::Body& body) noexcept {
  std::uint64_t sum = 0;
  for (const relay::Piece& piece : body) {
    const auto* range = std::get_if<relay::FileRange>(&piece);
    sum += range != nullptr ? range->length : std::get<std::string>(piece).size();
  }
  return sum;
}

std::string chunk_head(std::uint64_t size) {
  std::array<char, 18> text;
  const auto digits = std::to_chars(text.data(), text.data() + text.size(), size, 16);
  return std::string(text.data(), digits.ptr).append(kLineEnd);
}

}  // namespace

FollowExchange::FollowExchange(Client& client, WorkerState& state, const Route& route, const Request& request)
    : Exchange(client, state, &route, request),
      target_(request.facts.path_and_query),
      path_(handler_path(route, request.path)),
      follow_(content::follow_in(request.facts.path_and_query)),
      skip_(size_with_body(client, request.head, request.facts, keep_alive_)) {}

FollowExchange::~FollowExchange() {
  if (counted_) state_.counters.followers.subtract();
}

bool FollowExchange::concerns(const Route& route, const http::RequestHead& head,
                              const http::RequestFacts& facts) noexcept {
  if (route.log != nullptr) return true;
  const std::optional<config::Files>& files = route.config->handler.files;
  return files && files->follow &&
         (head.method == http::Method::kGet || head.method == http::Method::kHead) &&
         content::follow_in(facts.path_and_query).wanted;
}

void FollowExchange::start() {
  client_.held.consume(skip_);
  client_.held.release_if_empty();
  client_.set_deadline(config().timeouts.body_idle);
  open();
}

// May go off the loop, and come back.
void FollowExchange::open() {
  content::Answer answer;
  const auto ready = [this] {
    ticket_.drop();
    open();
    client_.settle();
  };
  bool found = false;
  if (route_->log != nullptr) {
    content::LogFiles logs({.catalog = route_->log->catalog(),
                            .reader = route_->log->reader(),
                            .loop = state_.loop,
                            .offload = state_.offload});
    found = logs.answer(method_, path_, http::query_of(target_), answer, body_, ticket_, ready);
  } else {
    found = route_->files->follow(method_, target_, path_, follow_, state_.watches, answer, body_, ticket_,
                                  ready);
  }
  if (!found) return;
  begin(std::move(answer));
  drive();
}

void FollowExchange::begin(content::Answer answer) {
  status_ = answer.status;
  at_ = At::kSending;
  const bool head_only = method_ == http::Method::kHead;
  if (head_only) body_.reset();
  if (body_ != nullptr) {
    body_->on_change([this] {
      if (at_ == At::kPending || at_ == At::kQuiet) go_on_later();
    });
    counted_ = body_->follows();
    if (counted_) state_.counters.followers.add();
    chunked_ = !http10_ && !client_.multiplexed();
    until_close_ = http10_ && !client_.multiplexed();
  }
  keep_alive_ = keep_alive_ && !until_close_ && !state_.draining;
  const relay::Choice choice =
      relay::BodyTransfer::foresee(answer.body, route_->policy, state_.relay, client_.channel());
  const bool tells_path = body_ == nullptr;
  answer_.emplace(state_, std::move(answer),
                  AnswerOptions{.keep_alive = keep_alive_,
                                .http10_client = http10_,
                                .head_only = head_only,
                                .grows = body_ != nullptr,
                                .server_timing = tells_path ? server_timing(choice) : std::string_view(),
                                .hsts = client_.secured().hsts,
                                .policy = route_->policy,
                                .warmed = [this] {
                                  drive();
                                  client_.settle();
                                }});
}

void FollowExchange::on_client() {
  if (client_.channel().failed() || client_left()) return end_cut(observe::Ending::kClientGone);
  if (at_ == At::kSending) drive();
}

// Nothing may be written for hours, so that its FIN is all there will be to tell. (A stream of HTTP/2 has ended its
// sending with its request.)
bool FollowExchange::client_left() noexcept {
  return body_ != nullptr && body_->follows() && !client_.multiplexed() && client_.channel().peer_closed();
}

void FollowExchange::drive() {
  while (answer_ && outcome() == Outcome::kRunning) {
    const StepResult result = answer_->step(client_);
    at_ = At::kSending;
    if (result.bytes != 0) client_.set_deadline(config().timeouts.body_idle);
    state_.counters.cold_waits.add(answer_->transfer().cold_waits() - cold_waits_);
    cold_waits_ = answer_->transfer().cold_waits();
    switch (result.step) {
      case Step::kSourceDry:
        if (!grow()) return;
        continue;
      case Step::kDone:
        return end(observe::Ending::kCompleted, keep_alive_ ? Outcome::kKeep : Outcome::kClose);
      case Step::kMoved:
        return go_on_later();
      case Step::kSinkFull:
      case Step::kWaiting:
        return;
      case Step::kTruncated:
        return end_cut(observe::Ending::kFileCut);
      case Step::kSinkFailed:
        return end_cut(observe::Ending::kClientGone);
      case Step::kLedgerBroken:
        ledger_broken();
        return end_cut(observe::Ending::kInternal);
      case Step::kSourceFailed:
      case Step::kMalformed:
      case Step::kTooLarge:
      case Step::kUnsupported:
        return end_cut(observe::Ending::kFileFailed);
    }
  }
}

// All there was is out. True: there is more to send.
bool FollowExchange::grow() {
  relay::Body pieces;
  switch (body_->next(pieces)) {
    case content::Growth::kPieces:
      append(std::move(pieces));
      return true;
    case content::Growth::kQuiet:
      if (state_.draining && body_->follows()) {
        end_body();
        return true;
      }
      if (client_left()) {  // before it could be told
        end_cut(observe::Ending::kClientGone);
        return false;
      }
      at_ = At::kQuiet;
      return false;
    case content::Growth::kPending:
      at_ = At::kPending;
      return false;
    case content::Growth::kEnd:
      end_body();
      return true;
    case content::Growth::kCut:
      end_cut(observe::Ending::kFileCut);
      return false;
    case content::Growth::kFailed:
      end_cut(observe::Ending::kFileFailed);
      return false;
  }
  return false;
}

void FollowExchange::append(relay::Body pieces) {
  relay::BodyTransfer& transfer = answer_->transfer();
  payload_before_ = payload_sent();
  chunk_begin_ = transfer.delivered();
  chunk_payload_ = size_of(pieces);
  chunk_head_ = 0;
  if (chunked_) {
    std::string head = chunk_head(chunk_payload_);
    chunk_head_ = head.size();
    transfer.append(std::move(head));
  }
  for (relay::Piece& piece : pieces) transfer.append(std::move(piece));
  if (chunked_) transfer.append(std::string(kLineEnd));
  client_.set_deadline(config().timeouts.body_idle);
}

void FollowExchange::end_body() {
  if (chunked_) {
    payload_before_ = payload_sent();
    chunk_payload_ = 0;
    answer_->transfer().append(std::string(kLastChunk));
  }
  answer_->transfer().end();
}

std::uint64_t FollowExchange::payload_sent() const noexcept {
  if (body_ == nullptr) return answer_->transfer().delivered();
  const std::uint64_t of_chunk = answer_->transfer().delivered() - chunk_begin_;
  return payload_before_ + std::min(of_chunk - std::min(of_chunk, chunk_head_), chunk_payload_);
}

void FollowExchange::on_deadline() {
  if (at_ == At::kQuiet) return client_.set_deadline(config().timeouts.body_idle);
  // What is opened or made takes too long for the disk's own fault.
  const bool ours = at_ == At::kOpening || at_ == At::kPending;
  end_cut(ours ? observe::Ending::kFileFailed : observe::Ending::kClientStalled);
}

void FollowExchange::cut(observe::Ending why) { end_cut(why); }

void FollowExchange::end_cut(observe::Ending ending) {
  end(ending, until_close_ ? Outcome::kReset : Outcome::kCut);
}

void FollowExchange::end(observe::Ending ending, Outcome outcome) {
  Moved moved;
  if (answer_) {
    const relay::BodyTransfer& transfer = answer_->transfer();
    moved = {.choice = transfer.choice(),
             .out = payload_sent(),
             .zero_copy = transfer.zero_copy(),
             .mapped = transfer.mapped()};
  }
  finish(ending, outcome, moved);
}

}  // namespace sluice::serve
