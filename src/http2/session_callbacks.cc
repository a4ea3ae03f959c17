// Session: what nghttp2 tells of what comes in. Only notes are taken here; handlers run when nghttp2 has returned.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "http2/session.h"

namespace sluice::http2 {

namespace {

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

constexpr bool ends_stream(const nghttp2_frame& frame) noexcept {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

struct Session::Callbacks {
  static Session& of(void* self) noexcept { return *static_cast<Session*>(self); }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* all = nullptr;
    if (::nghttp2_session_callbacks_new(&all) != 0) throw std::bad_alloc();
    ::nghttp2_session_callbacks_set_on_begin_frame_callback(
        all, [](nghttp2_session*, const nghttp2_frame_hd* head, void* self) {
          return of(self).frame_begins(*head);
        });
    ::nghttp2_session_callbacks_set_on_begin_headers_callback(
        all, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          of(self).head_begins(*frame);
          return 0;
        });
    ::nghttp2_session_callbacks_set_on_header_callback(
        all, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
          return of(self).field(*frame, text_of(name, name_size), text_of(value, value_size));
        });
    // Without this nghttp2 would drop a field it finds wrong, and go on.
    ::nghttp2_session_callbacks_set_on_invalid_header_callback(
        all,
        [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*,
           std::size_t, std::uint8_t, void*) -> int { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; });
    ::nghttp2_session_callbacks_set_on_frame_recv_callback(
        all,
        [](nghttp2_session*, const nghttp2_frame* frame, void* self) { return of(self).frame_came(*frame); });
    ::nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        all, [](nghttp2_session*, const nghttp2_frame*, int, void* self) {
          ++of(self).counts_.malformed;
          return 0;
        });
    ::nghttp2_session_callbacks_set_on_frame_send_callback(
        all, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          of(self).frame_sent(*frame);
          return 0;
        });
    ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        all, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                void* self) { return of(self).data_came(id, text_of(data, size)); });
    ::nghttp2_session_callbacks_set_on_stream_close_callback(
        all, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
          return of(self).stream_closed(id, code);
        });
    ::nghttp2_session_callbacks_set_on_frame_not_send_callback(
        all, [](nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
          return of(self).not_sent(*frame);
        });
    ::nghttp2_session_callbacks_set_send_data_callback(
        all, [](nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t length,
                nghttp2_data_source*, void* self) { return of(self).send_data(*frame, head, length); });
    ::nghttp2_session_callbacks_set_data_source_read_length_callback(
        all,
        [](nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t connection_window,
           std::int32_t stream_window, std::uint32_t most, void*) -> ssize_t {
          return std::min(
              {connection_window, stream_window, static_cast<std::int32_t>(std::min(most, kLargestFrame))});
        });
    return all;
  }
};

nghttp2_session_callbacks* session_callbacks() {
  static nghttp2_session_callbacks* const all = Session::Callbacks::make();  // for good: workers share it
  return all;
}

Stream* Session::find(std::int32_t id) const noexcept {
  return static_cast<Stream*>(::nghttp2_session_get_stream_user_data(ng_.get(), id));
}

// --- limits ---

int Session::too_much(Goaway why) noexcept {
  goaway_ = why;
  return NGHTTP2_ERR_CALLBACK_FAILURE;  // feed() says goodbye
}

int Session::count_reset() {
  ++counts_.resets;
  if (options_.role == Role::kClient || guard_.reset(resources_.loop.now())) return 0;
  return too_much(Goaway::kResetFlood);
}

// A stream that the peer makes us reset counts as one that it reset: CVE-2025-8671. Told while frames leave, so the
// turn ends the connection.
void Session::frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_RST_STREAM) return;
  switch (frame.rst_stream.error_code) {
    case NGHTTP2_NO_ERROR:
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CANCEL:
      return;  // our own affair
    default:
      if (count_reset() != 0) flooded_ = true;
  }
}

// Against RFC 9113; nghttp2 judges all that is not asked for here.
int Session::broken(std::uint32_t code) noexcept {
  goaway_code_ = code;
  return too_much(Goaway::kProtocol);
}

int Session::count_control() {
  return guard_.control_frame(resources_.loop.now()) ? 0 : too_much(Goaway::kControlFlood);
}

int Session::frame_begins(const nghttp2_frame_hd& head) {
  if (head.type == NGHTTP2_HEADERS && options_.role == Role::kServer) {
    if (closed_.was_skipped(head.stream_id)) return broken(NGHTTP2_PROTOCOL_ERROR);
    if (!knows(head.stream_id) && closed_.has_ended(head.stream_id)) return broken(NGHTTP2_STREAM_CLOSED);
  }
  switch (head.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_RST_STREAM:  // counted when it is known to mean something
    case NGHTTP2_GOAWAY:
      return 0;
    case NGHTTP2_HEADERS:
      in_head_ = (head.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
      block_bytes_ = head.length;
      useful_ += head.length;
      return 0;
    case NGHTTP2_CONTINUATION:
      in_head_ = (head.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
      block_bytes_ += head.length;
      if (block_bytes_ > 2 * options_.head + 16_KiB) return too_much(Goaway::kHeaderFlood);
      return count_control();
    case NGHTTP2_PRIORITY:  // nghttp2 skips them all, since we told that they have no meaning
      if (head.stream_id == 0) return too_much(Goaway::kProtocol);
      return count_control();
    default:  // PING, SETTINGS, PRIORITY_UPDATE, and what nobody knows
      return count_control();
  }
}

// --- heads ---

void Session::head_begins(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  const bool server = options_.role == Role::kServer;
  const Stream* const stream = find(frame.hd.stream_id);
  if (server && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    reading_ = Reading::kRequest;
    closed_.opened(frame.hd.stream_id);
    request_.begin(options_.head, options_.secure);
  } else if (!server && stream != nullptr && !stream->response_seen_) {
    reading_ = Reading::kResponse;
    response_.begin(options_.head, stream->extended_connect_);
  } else {
    reading_ = Reading::kTrailers;
    trailer_.begin(options_.head);
  }
}

int Session::field(const nghttp2_frame&, std::string_view name, std::string_view value) {
  const FieldText* text = nullptr;
  switch (reading_) {
    case Reading::kNothing:
      return 0;
    case Reading::kRequest:
      request_.add(name, value);
      text = &request_;
      break;
    case Reading::kResponse:
      response_.add(name, value);
      text = &response_;
      break;
    case Reading::kTrailers:
      trailer_.add(name, value);
      text = &trailer_;
      break;
  }
  // HPACK makes much of little: a head that is far too large is not even read to its end.
  return text->seen() > 16 * options_.head ? too_much(Goaway::kHeaderFlood) : 0;
}

int Session::reset(std::int32_t id, std::uint32_t code) {
  ::nghttp2_submit_rst_stream(ng_.get(), NGHTTP2_FLAG_NONE, id, code);
  return 0;
}

int Session::request_ends(const nghttp2_frame& frame) {
  const std::int32_t id = frame.hd.stream_id;
  const Fault fault = request_.finish(ends_stream(frame), websocket_key());
  if (fault != Fault::kNone && fault != Fault::kTooLarge && fault != Fault::kUnknownProtocol) {
    ++counts_.malformed;
    return reset(id, NGHTTP2_PROTOCOL_ERROR);
  }
  Stream* const stream = terminated_ ? nullptr : handler_.new_stream();
  if (stream == nullptr) return reset(id, NGHTTP2_REFUSED_STREAM);
  attach(*stream, id);
  ::nghttp2_session_set_stream_user_data(ng_.get(), id, stream);
  stream->fault_ = fault;
  stream->extended_connect_ = request_.extended_connect();
  stream->priority_ = parse_priority(request_.priority());
  stream->remote_done_ = ends_stream(frame);
  if (fault == Fault::kNone && !append(stream->head_, request_.text()))
    return reset(id, NGHTTP2_REFUSED_STREAM);
  news(*stream);
  return 0;
}

int Session::response_ends(const nghttp2_frame& frame, Stream& stream) {
  const Fault fault = response_.finish(ends_stream(frame), stream.asked_);
  if (fault != Fault::kNone || !append(stream.head_, response_.text())) {
    ++counts_.malformed;
    stream.fault_ = fault;
    return reset(frame.hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
  }
  stream.response_seen_ = !response_.interim();
  stream.remote_done_ = ends_stream(frame);
  news(stream);
  return 0;
}

bool Session::append(relay::Buffer& head, std::string_view text) {
  if (!head.acquire(resources_.heads)) return false;
  head.compact();
  if (head.room().size() < text.size()) return false;
  std::memcpy(head.room().data(), text.data(), text.size());
  head.filled(text.size());
  return true;
}

int Session::head_ended(const nghttp2_frame& frame) {
  const Reading what = std::exchange(reading_, Reading::kNothing);
  if (what == Reading::kRequest) return request_ends(frame);
  Stream* const stream = find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  if (what == Reading::kResponse) return response_ends(frame, *stream);
  if (trailer_.fault() != Fault::kNone) {
    ++counts_.malformed;
    return reset(frame.hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
  }
  stream->trailers_ = trailer_.text();
  stream->remote_done_ = ends_stream(frame);
  news(*stream);
  return 0;
}

// --- the other frames ---

int Session::frame_came(const nghttp2_frame& frame) {
  const bool of_message = frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS;
  if ((of_message && ends_stream(frame)) || frame.hd.type == NGHTTP2_RST_STREAM)
    closed_.ended(frame.hd.stream_id);
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      return head_ended(frame);
    case NGHTTP2_DATA: {
      if (!ends_stream(frame)) return frame.hd.length == frame.data.padlen ? count_control() : 0;
      if (Stream* const stream = find(frame.hd.stream_id); stream != nullptr) {
        stream->remote_done_ = true;
        news(*stream);
      }
      return 0;
    }
    case NGHTTP2_SETTINGS:
      ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 ? settings_acked_ : peer_settings_came_) = true;
      return 0;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 && goaway_ == Goaway::kGraceful) end_goaway();
      return 0;
    case NGHTTP2_GOAWAY:
      peer_goaway_ = true;
      return 0;
    case NGHTTP2_RST_STREAM:
      return count_reset();
    case NGHTTP2_PRIORITY_UPDATE: {
      const auto& update = *static_cast<const nghttp2_ext_priority_update*>(frame.ext.payload);
      if (Stream* const stream = find(update.stream_id); stream != nullptr)
        stream->priority_ = parse_priority(text_of(update.field_value, update.field_value_len));
      return 0;
    }
    default:
      return 0;
  }
}

int Session::data_came(std::int32_t id, std::string_view bytes) {
  useful_ += bytes.size();
  ::nghttp2_session_consume_connection(ng_.get(), bytes.size());
  Stream* const stream = find(id);
  if (stream == nullptr) return 0;  // nobody reads it any more
  relay::Buffer& body = stream->body_;
  const bool held = body.acquire(resources_.blocks);
  if (held && body.room().size() < bytes.size()) body.compact();
  // More than the window we told of: the peer had not heard yet. RFC 9113 section 6.9.3.
  if (!held || body.room().size() < bytes.size()) return reset(id, NGHTTP2_FLOW_CONTROL_ERROR);
  std::memcpy(body.room().data(), bytes.data(), bytes.size());
  body.filled(bytes.size());
  news(*stream);
  return 0;
}

int Session::stream_closed(std::int32_t id, std::uint32_t code) {
  Stream* const stream = find(id);
  if (stream == nullptr) return 0;
  stream->closed_ = true;
  stream->reset_code_ = code;
  // An RST_STREAM(NO_ERROR) behind a whole response only says that no more of the request is wanted.
  if (stream->local_done_ && stream->remote_done_) return 0;
  const bool unwanted = options_.role == Role::kClient && stream->remote_done_;
  if (unwanted) {
    stream->local_done_ = true;
  } else {
    stream->reset_ = true;
  }
  news(*stream);
  return 0;
}

// A request that a GOAWAY overtook never was a stream, so nghttp2 does not tell of its end. Nobody has acted on it.
int Session::not_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  for (std::size_t n = stream_count_; n != 0; --n) {
    Stream::OfAll* const link = all_.pop_front();
    all_.push_back(*link);
    Stream& stream = link->stream;
    if (stream.id_ != frame.hd.stream_id || stream.closed_) continue;
    stream.closed_ = stream.reset_ = true;
    stream.reset_code_ = kRefusedStream;
    news(stream);
  }
  return 0;
}

std::string Session::websocket_key() {
  if (!request_.extended_connect()) return {};
  thread_local std::mt19937_64 random{std::random_device{}()};
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;  // 16 bytes are 21 digits of 6 bits and one of 2
  for (int i = 0; i < 21; ++i) out += kDigits[random() % 64];
  out += kDigits[16 * (random() % 4)];
  return out + "==";
}

}  // namespace sluice::http2
