#include "serve/http2_client.h"

#include "serve/dispatch.h"

namespace sluice::serve {

Http2Client::Http2Client(WorkerState& state, Http2Connection& connection) noexcept
    : state_(state), connection_(connection) {
  stream_.set_handler(*this);
}

Http2Client::~Http2Client() = default;

void Http2Client::set_deadline(std::chrono::milliseconds from_now) {
  state_.loop.deadlines().set(*this, state_.loop.now() + from_now);
}

void Http2Client::on_channel(relay::Channel&) {
  if (exchange_ == nullptr) return begin();
  exchange_->on_client();
  settle();
}

void Http2Client::on_deadline() {
  exchange_->on_deadline();
  settle();
}

// The first news of a stream is its request.
void Http2Client::begin() {
  if (stream_.failed()) {  // it was cancelled in the same breath
    delete this;
    return;
  }
  state_.counters.http2_streams.add();
  exchange_ = make_exchange();
  exchange_->start();
  settle();
}

std::unique_ptr<Exchange> Http2Client::make_exchange() {
  const auto refuse_it = [this](int status, const char* why) {
    return refuse(*this, state_, status, why, nullptr, observe::Ending::kRefused);
  };
  if (stream_.fault() == http2::Fault::kUnknownProtocol)
    return refuse_it(501, http2::name_of(stream_.fault()));
  if (stream_.fault() != http2::Fault::kNone) return refuse_it(431, http2::name_of(stream_.fault()));
  held = stream_.take_head();
  http::RequestParser& parser = state_.request_parser;
  parser.reset();
  switch (parser.parse(held.view())) {
    case http::Parse::kDone:
      return dispatch(*this, state_, parser.head(), http::request_facts(parser.head()));
    case http::Parse::kRefused:
      return refuse_it(http::status_of(parser.verdict()), http::name_of(parser.verdict()));
    case http::Parse::kIncomplete:
      break;  // it ends with an empty line
  }
  return refuse_it(400, "incomplete");
}

void Http2Client::settle() {
  if (exchange_ == nullptr || exchange_->outcome() == Outcome::kRunning) return;
  const Outcome outcome = exchange_->outcome();
  exchange_.reset();
  const bool whole = outcome == Outcome::kKeep || outcome == Outcome::kClose;
  stream_.close(whole ? relay::Close::kClean : relay::Close::kCut);
  state_.publish();
  delete this;
}

void Http2Client::cut(observe::Ending why) {
  if (exchange_ == nullptr) {
    delete this;
    return;
  }
  exchange_->cut(why);
  settle();
}

std::string_view Http2Client::send_head(std::string_view text, HeadKind kind) {
  using http2::Follows;
  const Follows follows = kind == HeadKind::kInterim ? Follows::kAnotherHead
                          : kind == HeadKind::kFinal ? Follows::kBody
                          : kind == HeadKind::kWhole ? Follows::kNothing
                                                     : Follows::kTunnel;
  (void)stream_.send_head(text, follows);  // where that fails, so does what follows
  return {};
}

}  // namespace sluice::serve
