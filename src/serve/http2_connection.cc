#include "serve/http2_connection.h"

#include "serve/http2_client.h"
#include "serve/linger.h"

namespace sluice::serve {

namespace {

// How long the first GOAWAY may take to be heard, where its PING is not answered.
constexpr std::chrono::milliseconds kGoawayHeard{1000};

http2::SessionOptions options_of(const config::Config& config, bool secure) noexcept {
  return {.role = http2::Role::kServer,
          .secure = secure,
          .head = config.limits.head,
          .streams = config.http2.streams,
          .flood = {.resets = config.http2.resets,
                    .control_frames = config.http2.control_frames,
                    .window = config.http2.window}};
}

}  // namespace

Http2Connection* Http2Connection::begin(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                        const os::Address& peer, const Secured& secured) {
  auto* connection =
      new Http2Connection(state, std::move(channel), peer, secured);  // owned by itself: see Session
  state.begin_session(*connection);
  state.counters.http2_connections.add();
  if (state.draining) connection->begin_drain();
  return connection;
}

Http2Connection::Http2Connection(WorkerState& state, std::unique_ptr<relay::Channel> channel,
                                 const os::Address& peer, const Secured& secured)
    : state_(state),
      channel_(std::move(channel)),
      peer_(peer),
      secured_(secured),
      session_(std::make_unique<http2::Session>(state.relay, *channel_,
                                                static_cast<http2::SessionHandler&>(*this),
                                                options_of(state.site->config(), secured.on))) {}

Http2Connection::~Http2Connection() = default;

http2::Stream* Http2Connection::new_stream() {
  if (state_.draining && session_->goaway_final()) return nullptr;
  auto* client = new Http2Client(state_, *this);
  clients_.push_back(client->link);
  return &client->stream();
}

Http2Connection::Wait Http2Connection::waits_for() const noexcept {
  if (session_->ended()) return Wait::kLinger;
  if (session_->goaway() != http2::Goaway::kNone)
    return session_->goaway_final() ? Wait::kClosing : Wait::kGoaway;
  if (!session_->settings_acked()) return Wait::kSettings;
  if (session_->in_head()) return Wait::kHead;
  return session_->streams() == 0 ? Wait::kIdle : Wait::kStreams;
}

void Http2Connection::on_session(http2::Session&) {
  const auto [malformed, resets] = session_->take_counts();
  state_.counters.http2_malformed.add(malformed);
  state_.counters.http2_resets.add(resets);
  const Wait next = waits_for();
  if (next == wait_ && next != Wait::kClosing) return;
  const config::Timeouts& timeouts = state_.site->config().timeouts;
  const auto wait = [this](std::chrono::milliseconds time) {
    state_.loop.deadlines().set(*this, state_.loop.now() + time);
  };
  wait_ = next;
  switch (next) {
    case Wait::kSettings:
    case Wait::kHead:
      return wait(timeouts.head);
    case Wait::kIdle:
      return wait(timeouts.keep_alive);
    case Wait::kGoaway:
      return wait(kGoawayHeard);
    case Wait::kStreams:
      return cancel();
    case Wait::kClosing:
      if (session_->streams() != 0) return cancel();
      return armed() ? void() : wait(timeouts.linger);
    case Wait::kLinger:
      if (session_->goaway() != http2::Goaway::kNone)
        state_.counters.http2_goaways[static_cast<std::size_t>(session_->goaway())].add();
      cut_streams(observe::Ending::kClientGone);
      if (session_->error() != 0) return end(relay::Close::kCut);
      channel_->set_handler(*this);
      channel_->shutdown_write();
      wait(timeouts.linger);
      return linger();
  }
}

void Http2Connection::on_deadline() {
  switch (wait_) {
    case Wait::kSettings:
    case Wait::kHead:
      return session_->terminate(http2::Goaway::kTimeout);
    case Wait::kStreams:
      return;
    case Wait::kIdle:
      return session_->begin_goaway();
    case Wait::kGoaway:
      return session_->end_goaway();
    case Wait::kClosing:  // a client that reads nothing
    case Wait::kLinger:
      return end(relay::Close::kCut);
  }
}

void Http2Connection::on_channel(relay::Channel&) { linger(); }

void Http2Connection::linger() {
  if (linger_is_over(*channel_)) end(relay::Close::kClean);
}

void Http2Connection::begin_drain() {
  if (!session_->ended()) session_->begin_goaway();
  List<ListLink> all;
  all.take_all(clients_);
  while (ListLink* link = all.pop_front()) {
    clients_.push_back(*link);
    static_cast<Http2Client::Link*>(link)->client.begin_drain();
  }
}

void Http2Connection::cut_streams(observe::Ending why) {
  while (ListLink* link = clients_.front()) static_cast<Http2Client::Link*>(link)->client.cut(why);
}

void Http2Connection::cut() {
  cut_streams(observe::Ending::kDrained);
  end(relay::Close::kCut);
}

void Http2Connection::end(relay::Close how) {
  session_.reset();
  channel_->close(how);
  state_.end_session(*this);
}

}  // namespace sluice::serve
