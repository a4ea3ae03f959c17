#include "http2/session.h"

#include <cerrno>
#include <new>

namespace sluice::http2 {

namespace {

// What is read and what it makes us send: a client that asks as fast as it is answered would keep the thread to itself.
constexpr std::size_t kMovedPerTurn = 256_KiB;
constexpr std::size_t kWorthAWrite = 16_KiB;
// What all streams together may have in flight towards us. Their own windows are the back-pressure; this one is given
// back at once.
constexpr std::int32_t kConnectionWindow = 1 << 20;
// Frames that cost no more than their own bytes (WINDOW_UPDATE, unknown ones) are not counted, but no connection
// consists of them: of all that comes, one byte in so many has to be a request's or a body's, either way.
constexpr std::uint64_t kRubbish = 8, kRubbishFree = 1_MiB;
constexpr std::size_t kOutboundAcks = 200;  // PING and SETTINGS that wait for their answers to leave

struct OptionFree {
  void operator()(nghttp2_option* option) const noexcept { ::nghttp2_option_del(option); }
};

}  // namespace

Session::Session(relay::Resources& resources, relay::Channel& transport, SessionHandler& handler,
                 const SessionOptions& options)
    : resources_(resources),
      transport_(transport),
      handler_(handler),
      options_(options),
      heads_(options.role == Role::kServer ? NGHTTP2_CLIENT_MAGIC_LEN : 0),
      guard_(options.flood) {
  nghttp2_option* raw = nullptr;
  if (::nghttp2_option_new(&raw) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_option, OptionFree> option(raw);
  ::nghttp2_option_set_no_auto_window_update(raw, 1);
  ::nghttp2_option_set_no_closed_streams(raw, 1);
  ::nghttp2_option_set_builtin_recv_extension_type(raw, NGHTTP2_PRIORITY_UPDATE);
  ::nghttp2_option_set_max_outbound_ack(raw, kOutboundAcks);
  const bool server = options_.role == Role::kServer;
  nghttp2_session* session = nullptr;
  const int made = server ? ::nghttp2_session_server_new2(&session, session_callbacks(), this, raw)
                          : ::nghttp2_session_client_new2(&session, session_callbacks(), this, raw);
  if (made != 0) throw std::bad_alloc();
  ng_.reset(session);

  const auto window = static_cast<std::uint32_t>(resources_.blocks.block());
  const auto heads =
      static_cast<std::uint32_t>(options_.head + 4_KiB);  // each field counts 32 bytes more there
  std::vector<nghttp2_settings_entry> settings{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
                                               {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, heads}};
  if (server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.streams});
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  ::nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  ::nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  transport_.set_handler(*this);
  soon();
}

Session::~Session() {
  dead_ = true;  // nothing is sent for them any more
  while (Stream::OfAll* link = all_.front()) {
    link->stream.reset_ = true;
    forget(link->stream, relay::Close::kCut);
  }
}

// --- turns ---

void Session::on_channel(relay::Channel&) { turn(); }
void Session::run_deferred() { turn(); }

void Session::begin(std::string_view already_read) {
  inside_ = true;
  feed(already_read);
  inside_ = false;
  turn();
}

void Session::turn() {
  inside_ = true;
  if (!dead_ && !output_.empty() && transport_.writable()) flush();
  read();
  do {
    dispatch();
    wake();
    flush();
  } while (!ready_.empty());
  if (flooded_) {
    terminate(Goaway::kResetFlood);
    dispatch();
  }
  inside_ = false;
  finish_turn();
}

void Session::finish_turn() {
  if (!dead_ && output_.empty() && !::nghttp2_session_want_read(ng_.get()) &&
      !::nghttp2_session_want_write(ng_.get())) {
    if (goaway_ == Goaway::kNone && !peer_goaway_) goaway_ = Goaway::kProtocol;  // nghttp2 saw to it
    fail(0);  // a GOAWAY was the last word, ours or theirs
    inside_ = true;
    dispatch();
    inside_ = false;
  }
  if (stream_count_ == 0) output_.release();
  handler_.on_session(*this);  // may destroy us
}

void Session::read() {
  if (dead_ || !transport_.readable()) return;
  relay::Buffer block;
  if (!block.acquire(resources_.blocks)) return fail(ENOMEM);
  const std::uint64_t end = received_ + useful_ + kMovedPerTurn;
  while (!dead_ && transport_.readable()) {
    if (received_ + useful_ >= end) return resources_.loop.defer(*this);
    if (!::nghttp2_session_want_read(ng_.get())) return;
    const os::IoResult got = transport_.recv(block.room());
    if (got.would_block()) return;
    if (!got.ok() || got.bytes == 0) return fail(got.ok() ? ECONNRESET : got.error);
    ++heard_;
    received_ += got.bytes;
    if (received_ / kRubbish > useful_ + kRubbishFree) return terminate(Goaway::kControlFlood);
    feed({block.room().data(), got.bytes});
    dispatch();
    if (output_.size() >= kWorthAWrite) flush();  // the next look takes a while, and may find nothing
  }
}

void Session::feed(std::string_view bytes) {
  while (!bytes.empty() && !dead_) {
    const auto [size, stream] = heads_.next(bytes);
    take(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (stream == 0 || dead_ || knows(stream) || !closed_.has_ended(stream)) continue;
    goaway_code_ = NGHTTP2_STREAM_CLOSED;
    terminate(Goaway::kProtocol);
  }
}

void Session::take(std::string_view bytes) {
  const ssize_t used = ::nghttp2_session_mem_recv(
      ng_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used >= 0) return;
  if (goaway_ == Goaway::kNone || goaway_ == Goaway::kGraceful)
    goaway_ = used == NGHTTP2_ERR_FLOODED ? Goaway::kControlFlood
              : in_head_                  ? Goaway::kHeaderFlood  // nghttp2 counts CONTINUATION, too
                                          : Goaway::kProtocol;
  terminate(goaway_);
}

void Session::dispatch() {
  while (Stream::OfAll* link = ready_.pop_front()) link->stream.tell_handler();
}

void Session::pump() {
  while (!dead_ && output_.size() < kOutputFull) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = ::nghttp2_session_mem_send(ng_.get(), &bytes);
    if (size == 0) return;
    if (size < 0) return fail(EPROTO);
    output_.copy({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
}

void Session::flush(bool more) {
  while (!dead_) {
    if (output_.size() < kOutputFull) pump();
    const bool full = output_.size() >= kOutputFull;
    if (output_.empty()) return;
    const os::IoResult put = output_.write(transport_, more);
    output_.keep();
    if (!put.ok()) return fail(put.error);
    if (!output_.empty() || !full) return;
  }
}

// --- the end ---

void Session::fail(int error) {
  if (std::exchange(dead_, true)) return;
  error_ = error;
  List<Stream::OfAll> rest;
  while (Stream::OfAll* link = all_.pop_front()) {
    link->stream.reset_ = true;
    link->stream.waiting_ = false;
    // Nothing of it was ever said.
    if (options_.role == Role::kClient && !link->stream.head_sent_) link->stream.reset_code_ = kRefusedStream;
    news(link->stream);
    rest.push_back(*link);
  }
  all_.take_all(rest);
  waiting_.clear();
  soon();
}

void Session::terminate(Goaway why) {
  if (dead_ || std::exchange(terminated_, true)) return;
  goaway_ = why;
  std::uint32_t code = why == Goaway::kTimeout ? NGHTTP2_SETTINGS_TIMEOUT : NGHTTP2_ENHANCE_YOUR_CALM;
  if (why == Goaway::kProtocol) code = goaway_code_;
  if (why == Goaway::kGraceful) code = NGHTTP2_NO_ERROR;
  ::nghttp2_session_terminate_session(ng_.get(), code);
  flush();
  fail(0);
}

void Session::begin_goaway() {
  if (dead_ || goaway_ != Goaway::kNone) return;
  goaway_ = Goaway::kGraceful;
  if (options_.role == Role::kClient) return end_goaway();
  ::nghttp2_submit_shutdown_notice(ng_.get());
  ::nghttp2_submit_ping(ng_.get(), NGHTTP2_FLAG_NONE, nullptr);  // its answer says that the notice was heard
  soon();
}

void Session::ping() {
  if (dead_) return;
  ::nghttp2_submit_ping(ng_.get(), NGHTTP2_FLAG_NONE, nullptr);
  soon();
}

void Session::end_goaway() {
  if (dead_ || std::exchange(goaway_final_, true)) return;
  ::nghttp2_submit_goaway(ng_.get(), NGHTTP2_FLAG_NONE, ::nghttp2_session_get_last_proc_stream_id(ng_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
  soon();
}

}  // namespace sluice::http2
