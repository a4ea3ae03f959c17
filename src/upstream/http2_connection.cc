#include "upstream/http2_connection.h"

#include <algorithm>
#include <cerrno>

#include "upstream/connection.h"
#include "upstream/server.h"

namespace sluice::upstream {

namespace {

constexpr std::chrono::seconds kProbeEvery{15};
// Servers measure their lines with many small PINGs, and are no strangers: only a mad one is stopped.
constexpr http2::FloodLimits kFloods{.resets = 100'000, .control_frames = 100'000};

}  // namespace

Http2Connection::Http2Connection(Means means, Server& server) noexcept
    : means_(means), server_(&server), state_(EINPROGRESS), secure_(server.config().tls.has_value()) {}

std::shared_ptr<Http2Connection> Http2Connection::open(Means means, Server& server, int& error) {
  std::shared_ptr<Http2Connection> made(new Http2Connection(means, server));
  made->transport_ = connect(means, server, *made, error);
  if (made->transport_ == nullptr) return nullptr;
  made->transport_->set_first(true);
  return made;
}

Http2Connection::~Http2Connection() {
  if (session_) session_->terminate(http2::Goaway::kGraceful);  // as far as it goes out at once
  session_.reset();
  if (transport_ != nullptr) transport_->close(relay::Close::kClean);
}

void Http2Connection::on_channel(relay::Channel&) {
  const auto self = shared_from_this();
  const int error = transport_->connect_error();
  if (error == EINPROGRESS) return;
  failure_ = transport_->failure();
  if (error != 0) return over(error);
  if (secure_ && agreed_protocol(*transport_) != "h2") {
    failure_ = "the server offers no HTTP/2";
    return over(EPROTO);
  }
  session_.emplace(means_.resources, *transport_, static_cast<http2::SessionHandler&>(*this),
                   http2::SessionOptions{.role = http2::Role::kClient,
                                         .secure = secure_,
                                         .head = means_.resources.head_limit,
                                         .flood = kFloods});
  session_->begin({});
}

void Http2Connection::on_session(http2::Session& session) {
  const auto self = shared_from_this();
  last_.reset();
  if (session.ended()) return over(state_ == EINPROGRESS ? EPROTO : ECONNRESET);
  if (state_ == EINPROGRESS && session.peer_settings_came()) return ready();
  if (session.peer_leaves() && server_ != nullptr) server_->http2().drop(*this);
}

void Http2Connection::ready() {
  state_ = 0;
  if (session_->peer_streams() == 0) return over(ECONNREFUSED);
  if (server_ != nullptr) server_->http2().learn_streams(session_->peer_streams());
  tell_waiting();
}

void Http2Connection::over(int error) {
  if (state_ == 0 || state_ == EINPROGRESS) state_ = error;
  if (server_ != nullptr) server_->http2().drop(*this);
  tell_waiting();
}

// Those who are told may leave, and take others with them.
void Http2Connection::tell_waiting() {
  while (!waiting_.empty()) {
    Connection& user = *waiting_.front();
    waiting_.erase(waiting_.begin());
    const bool opened = state_ == 0 && session_->open(user.stream());
    user.joined(opened ? 0 : state_ == 0 ? EAGAIN : state_);
  }
}

// Streams hear of their end before this does.
int Http2Connection::state() const noexcept { return state_ == 0 && session_->ended() ? ECONNRESET : state_; }

bool Http2Connection::has_room() const noexcept {
  if (state_ == EINPROGRESS) return server_ != nullptr && waiting_.size() < server_->http2().most_streams();
  return state_ == 0 && session_->accepts_streams();
}

bool Http2Connection::alive() noexcept {
  return state() == 0 && !transport_->peer_closed() && !transport_->failed();
}

void Http2Connection::join(Connection& user) {
  if (users_++ == 0) means_.resources.loop.deadlines().set(*this, means_.resources.loop.now() + kProbeEvery);
  if (state_ == EINPROGRESS) {
    waiting_.push_back(&user);
  } else {
    (void)session_->open(user.stream());  // has_room() said so
  }
}

void Http2Connection::leave(Connection& user) noexcept {
  --users_;
  std::erase(waiting_, &user);
  if (users_ != 0) return;
  cancel();
  if (server_ == nullptr) return;
  if (state() != 0 || !server_->http2().keeps_idle()) return server_->http2().drop(*this);
  means_.resources.loop.deadlines().set(*this, means_.resources.loop.now() + server_->config().idle_timeout);
}

void Http2Connection::let_go(std::shared_ptr<Http2Connection> self) noexcept {
  Http2Connection* const it = self.get();
  if (self.use_count() == 1 && it->session_ && it->session_->in_turn()) it->last_ = std::move(self);
}

void Http2Connection::give_up() {
  if (state_ != EINPROGRESS) return;
  const auto self = shared_from_this();
  over(ETIMEDOUT);
}

void Http2Connection::on_deadline() {
  if (users_ != 0) return probe();
  if (server_ != nullptr) server_->http2().drop(*this);  // the last to hold it
}

void Http2Connection::probe() {
  means_.resources.loop.deadlines().set(*this, means_.resources.loop.now() + kProbeEvery);
  if (state() != 0) return;
  if (session_->heard() != std::exchange(heard_, session_->heard())) {
    probed_ = false;
  } else if (!std::exchange(probed_, true)) {
    session_->ping();
  } else {
    session_->terminate(http2::Goaway::kTimeout);
  }
}

}  // namespace sluice::upstream
