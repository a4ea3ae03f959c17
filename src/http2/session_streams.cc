// Session: what its streams ask of it.
#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "http2/session.h"
#include "os/file.h"

namespace sluice::http2 {

namespace {

// A payload of no more is copied behind its header and waits for the turn's end, to leave with those of other streams:
// a write costs more than the copy. Unless this much waits.
constexpr std::size_t kCopied = 16_KiB;
constexpr std::size_t kWriteNow = 48_KiB;

}  // namespace

void Session::attach(Stream& stream, std::int32_t id) {
  stream.session_ = this;
  stream.id_ = id;
  all_.push_back(stream.all_);
  ++stream_count_;
}

std::uint32_t Session::peer_streams() const noexcept {
  return ::nghttp2_session_get_remote_settings(ng_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Session::peer_takes_tunnels() const noexcept {
  return ::nghttp2_session_get_remote_settings(ng_.get(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool Session::accepts_streams() const noexcept {
  if (dead_ || goaway_ != Goaway::kNone || peer_goaway_) return false;
  return stream_count_ < peer_streams() && ::nghttp2_session_check_request_allowed(ng_.get()) != 0;
}

bool Session::open(Stream& stream) {
  if (!accepts_streams()) return false;
  attach(stream, 0);  // it has its number when its head is sent
  return true;
}

// What is left of the stream in nghttp2 is ended there.
void Session::forget(Stream& stream, relay::Close how) noexcept {
  stream.session_ = nullptr;
  stream.all_.unlink();
  stream.ready_.unlink();
  --stream_count_;
  std::erase(waiting_, &stream);
  stream.body_.release();
  soon();
  if (dead_ || stream.id_ == 0) return;
  ::nghttp2_session_set_stream_user_data(ng_.get(), stream.id_, nullptr);
  if (stream.closed_ || (stream.local_done_ && stream.remote_done_)) return;
  std::uint32_t code = options_.role == Role::kServer ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
  if (stream.local_done_ && how == relay::Close::kClean) {
    pump();  // nghttp2 drops a head that waits behind an RST_STREAM
    code = NGHTTP2_NO_ERROR;
  }
  ::nghttp2_submit_rst_stream(ng_.get(), NGHTTP2_FLAG_NONE, stream.id_, code);
}

std::vector<nghttp2_nv>& Session::as_nv() {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 only reads it
  };
  nv_.clear();
  for (const FieldPair& field : list_.fields())
    nv_.push_back(
        {bytes(field.name), bytes(field.value), field.name.size(), field.value.size(), NGHTTP2_NV_FLAG_NONE});
  return nv_;
}

bool Session::send_head(Stream& stream, std::string_view text, Follows follows, http::Method asked) {
  if (dead_ || stream.reset_ || stream.head_sent_) return false;
  const bool server = options_.role == Role::kServer;
  const bool parsed =
      server ? list_.response(text, stream.extended_connect_)
             : list_.request(text, options_.secure ? "https" : "http", follows == Follows::kTunnel);
  if (!parsed) return false;
  const std::vector<nghttp2_nv>& nv = as_nv();
  const nghttp2_data_provider provider{
      .source = {.ptr = this},
      .read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t most,
                          std::uint32_t* flags, nghttp2_data_source*,
                          void* self) { return static_cast<Session*>(self)->offered(id, most, *flags); }};
  const nghttp2_data_provider* const body = follows == Follows::kNothing ? nullptr : &provider;
  soon();
  if (follows == Follows::kAnotherHead)
    return ::nghttp2_submit_headers(ng_.get(), NGHTTP2_FLAG_NONE, stream.id_, nullptr, nv.data(), nv.size(),
                                    nullptr) == 0;
  stream.head_sent_ = true;
  stream.local_done_ = follows == Follows::kNothing;
  if (follows == Follows::kBody) stream.length_left_ = list_.length();
  if (server) return ::nghttp2_submit_response(ng_.get(), stream.id_, nv.data(), nv.size(), body) == 0;
  stream.asked_ = asked;
  stream.extended_connect_ = follows == Follows::kTunnel;
  stream.id_ = ::nghttp2_submit_request(ng_.get(), nullptr, nv.data(), nv.size(), body, &stream);
  return stream.id_ > 0;
}

// The stream's window is given back as its owner reads.
void Session::read_from(Stream& stream, std::size_t bytes) noexcept {
  if (dead_ || stream.closed_) return;
  ::nghttp2_session_consume_stream(ng_.get(), stream.id_, bytes);
  if (::nghttp2_session_want_write(ng_.get()) != 0) soon();
}

// --- room ---

std::size_t Session::room(const Stream& stream) const noexcept {
  const std::int32_t all = ::nghttp2_session_get_remote_window_size(ng_.get());
  const std::int32_t own = ::nghttp2_session_get_stream_remote_window_size(ng_.get(), stream.id_);
  return static_cast<std::size_t>(std::max(0, std::min(all, own)));
}

void Session::wait(Stream& stream) {
  stream.turn_ = ++turn_;
  if (std::exchange(stream.waiting_, true)) return;
  waiting_.push_back(&stream);
}

// The one that comes next: the more urgent, then the older; those that share by turns, behind those that don't.
Stream* Session::best_waiting(std::uint64_t since) const noexcept {
  const auto before = [](const Stream* a, const Stream* b) {
    if (a->priority_.urgency != b->priority_.urgency) return a->priority_.urgency < b->priority_.urgency;
    if (a->priority_.incremental != b->priority_.incremental) return b->priority_.incremental;
    return a->priority_.incremental ? a->turn_ < b->turn_ : a->id_ < b->id_;
  };
  const Stream* best = nullptr;
  for (Stream* stream : waiting_)
    if (stream->turn_ <= since && room(*stream) != 0 && (best == nullptr || before(stream, best)))
      best = stream;
  return const_cast<Stream*>(best);
}

void Session::wake() {
  const std::uint64_t begun = turn_;  // who waits again in this turn has had its share
  while (!dead_ && !waiting_.empty() && transport_.writable()) {
    Stream* const stream = best_waiting(begun);
    if (stream == nullptr) return;
    std::erase(waiting_, stream);
    stream->waiting_ = false;
    stream->tell_handler();
  }
}

// --- payload ---

os::IoResult Session::put(Offer& offer, bool more) {
  Stream& stream = offer.stream;
  if (dead_ || stream.reset_) return {.error = ECONNRESET};
  if (stream.local_done_ || !stream.head_sent_) return {.error = EPIPE};
  const bool ends = offer.kind == Offer::Kind::kEnd;
  if (!ends && offer.left == 0) return {};
  const std::size_t piped = offer.kind == Offer::Kind::kPipe ? offer.pipe->pending() : 0;
  if (output_.size() >= kOutputFull) flush();
  if (dead_) return {.error = ECONNRESET};
  if (!transport_.writable()) return wait(stream), os::IoResult{.error = EAGAIN};

  // nghttp2 would send trailers ahead of a head that still waits, to a stream that nobody knows.
  if (ends) pump();
  if (dead_) return {.error = ECONNRESET};
  if (ends && ::nghttp2_session_find_stream(ng_.get(), stream.id_) == nullptr)
    return wait(stream), os::IoResult{.error = EAGAIN};

  // Trailers need no window. So none of them end a body for which nghttp2 would not send an empty frame of DATA.
  const bool trailers = ends && list_.trailers(offer.trailers) && !list_.fields().empty();
  if (trailers || (ends && room(stream) == 0)) {
    const std::vector<nghttp2_nv>& nv = as_nv();
    ::nghttp2_submit_trailer(ng_.get(), stream.id_, nv.data(), nv.size());
    stream.local_done_ = true;
  } else {
    offer_ = &offer;
    std::size_t before = SIZE_MAX;  // a round that frames nothing is the last
    while ((offer.left != 0 || (ends && !offer.ended)) && before != offer.left) {
      before = offer.left;
      (void)::nghttp2_session_resume_data(ng_.get(), stream.id_);  // it may not be deferred yet: no matter
      pump();
      if (output_.size() >= kOutputFull) flush();
      if (dead_ || !transport_.writable()) break;
    }
    offer_ = nullptr;
    if (ends && !offer.ended && !dead_) return wait(stream), os::IoResult{.error = EAGAIN};
  }
  // Many small frames leave together at the end of the turn; a lone stream has nothing to wait for.
  const bool alone = !inside_ && stream_count_ <= 1 && !more;
  const bool lent = offer.taken + offer.left > kCopied;
  if (output_.size() >= kWriteNow || alone || lent) {
    flush(more);
  } else {
    output_.keep();
    soon();
  }
  // What has left the pipe is gone, even when the connection broke on the way: the next call tells of that.
  if (offer.kind == Offer::Kind::kPipe) offer.taken = piped - offer.pipe->pending();
  if (dead_ && offer.taken == 0) return {.error = ECONNRESET};
  if (!ends && offer.taken == 0) return wait(stream), os::IoResult{.error = EAGAIN};
  return {.bytes = offer.taken};
}

// nghttp2 asks how much of a stream's payload the next frame shall have.
ssize_t Session::offered(std::int32_t id, std::size_t most, std::uint32_t& flags) {
  if (offer_ == nullptr || offer_->stream.id_ != id || !transport_.writable()) return NGHTTP2_ERR_DEFERRED;
  Offer& offer = *offer_;
  Stream& stream = offer.stream;
  const std::size_t n = std::min(most, offer.left);
  const bool ends = offer.kind == Offer::Kind::kEnd || stream.length_left_ == n;
  if (n == 0 && !ends) return NGHTTP2_ERR_DEFERRED;
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream.length_left_) *stream.length_left_ -= std::min<std::uint64_t>(n, *stream.length_left_);
  if (ends) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    stream.local_done_ = offer.ended = true;
  }
  return static_cast<ssize_t>(n);
}

// ... and hands over the frame's header, with which the payload goes out.
int Session::send_data(const nghttp2_frame& frame, const std::uint8_t* head, std::size_t length) {
  if (offer_ == nullptr || frame.data.padlen != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  output_.copy({reinterpret_cast<const char*>(head), 9});
  offer_->left -= length;
  offer_->taken += length;
  useful_ += length;
  if (length == 0 || send_payload(length)) return 0;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

bool Session::send_payload(std::size_t length) {
  switch (offer_->kind) {
    case Offer::Kind::kMemory:
      lend(length, offer_->taken + offer_->left <= kCopied);
      return true;
    case Offer::Kind::kPipe:
      return send_from_pipe(length);
    case Offer::Kind::kFile:
      return send_from_file(length);
    case Offer::Kind::kEnd:
      return true;
  }
  return false;
}

void Session::lend(std::size_t length, bool copy) {
  while (length != 0) {
    const iovec& piece = offer_->pieces.front();
    const std::string_view all(static_cast<const char*>(piece.iov_base), piece.iov_len);
    const std::string_view part = all.substr(offer_->piece_offset, length);
    if (copy) {
      output_.copy(part);
    } else {
      output_.lend(part);
    }
    length -= part.size();
    offer_->piece_offset += part.size();
    if (offer_->piece_offset == all.size()) {
      offer_->pieces = offer_->pieces.subspan(1);
      offer_->piece_offset = 0;
    }
  }
}

// Behind the header, with whatever else waits; what the transport does not take of it is copied.
bool Session::send_from_pipe(std::size_t length) {
  if (const os::IoResult put = output_.write(transport_, true); !put.ok()) return false;
  while (length != 0 && output_.empty() && transport_.writable()) {
    const os::IoResult put = transport_.splice_from(*offer_->pipe, length);
    if (put.would_block() || put.refused() || (put.ok() && put.bytes == 0)) break;
    if (!put.ok()) return false;
    length -= put.bytes;
  }
  while (length != 0) {
    const std::span<char> into = output_.extend(length);
    const os::IoResult got = offer_->pipe->drain(into);
    if (!got.ok() || got.bytes == 0) return false;
    length -= got.bytes;
    if (length != 0) output_.shorten(length);
  }
  return true;
}

bool Session::send_from_file(std::size_t length) {
  if (const os::IoResult put = output_.write(transport_, true); !put.ok()) return false;
  while (length != 0 && output_.empty() && transport_.writable()) {
    const os::IoResult put = transport_.send_file(offer_->file, offer_->offset, length);
    if (put.would_block() || put.refused()) break;
    if (!put.ok() || put.bytes == 0) return false;
    length -= put.bytes;
    offer_->offset += put.bytes;
  }
  while (length != 0) {
    const std::span<char> into = output_.extend(length);
    const os::IoResult got = os::read_at(offer_->file, into, offer_->offset);
    if (!got.ok() || got.bytes == 0) return false;
    length -= got.bytes;
    offer_->offset += got.bytes;
    if (length != 0) output_.shorten(length);
  }
  return true;
}

}  // namespace sluice::http2
