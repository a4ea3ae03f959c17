// An HTTP/2 connection, either side of it: nghttp2 for frames and HPACK, a transport channel for bytes.
//
//              on_channel ─▶ recv ─▶ nghttp2 ─▶ streams that have news ─▶ their handlers
//   transport                                                               │ send, splice_from, send_file
//              ◀─ one gathered write ◀─ Output ◀─ nghttp2 ◀─ Offer ◀────────┘
//
// Turns      nghttp2's callbacks only take notes; handlers run after them, and may do anything to their streams. Small
//            frames wait for the end of the turn, so that many responses leave in one write.
// DATA       an Offer is what one call of a stream holds out: nghttp2 asks for it (NO_COPY), adds the frame's header,
//            and it goes out from where it lies: gathered from memory, spliced from a pipe, sent from a file. What the
//            transport does not take of a begun frame is copied, so no other frame can be cut in.
// Room       a stream waits while the output is not empty or a window is closed; they are woken by urgency, and those
//            that share (RFC 9218, incremental) by turns.
// Memory     output: one call's payload or kOutputFull, and what frames the peer's make us send, bounded by FloodGuard
//            and nghttp2; input: a stream's window each.
// Errors     what breaks the connection is told to every stream as a reset, then to the handler: ended().
// Thread     the loop's.
// Source     RFC 9113, RFC 9218, RFC 8441; nghttp2's programmers' guide.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http2/closed_streams.h"
#include "http2/field_list.h"
#include "http2/flood_guard.h"
#include "http2/frame_heads.h"
#include "http2/head_text.h"
#include "http2/output.h"
#include "http2/stream.h"
#include "loop/event_loop.h"
#include "observe/counters.h"
#include "relay/resources.h"

namespace sluice::http2 {

enum class Role : std::uint8_t { kServer, kClient };

// Why we ended a connection that the peer did not end.
enum class Goaway : std::uint8_t {
  kNone,
  kGraceful,
  kResetFlood,
  kControlFlood,
  kHeaderFlood,
  kProtocol,
  kTimeout
};
static_assert(static_cast<std::size_t>(Goaway::kTimeout) + 1 == observe::kGoaways);

struct SessionOptions {
  Role role = Role::kServer;
  bool secure = false;       // the transport is encrypted
  std::size_t head = 16384;  // text of a head, at most
  unsigned streams = 128;    // server: at the same time
  FloodLimits flood;
};

nghttp2_session_callbacks* session_callbacks();
inline constexpr std::uint32_t kLargestFrame = 64 * 1024;  // of DATA, where the peer allows that much
inline constexpr std::size_t kOutputFull = 64 * 1024;      // no further frame is begun while so much waits

class SessionHandler {
 public:
  // Server: a request begins. The stream is the handler's own, and hears of its head as of any news; null refuses it.
  // Comes out of nghttp2: do nothing else here.
  virtual Stream* new_stream() = 0;
  // Something happened; ask. May destroy the session.
  virtual void on_session(Session& session) = 0;

 protected:
  ~SessionHandler() = default;
};

class Session final : private relay::ChannelHandler, private loop::Deferred {
 public:
  // Borrows all; takes the transport's events. Sends its SETTINGS in the next turn.
  Session(relay::Resources& resources, relay::Channel& transport, SessionHandler& handler,
          const SessionOptions& options);
  ~Session();

  // Bytes that were read before the session stood; then as if the transport had news. May destroy the session.
  void begin(std::string_view already_read);

  // Client: the next stream. False: no more can be opened on this connection (now, or at all).
  bool open(Stream& stream);
  [[nodiscard]] bool accepts_streams() const noexcept;  // client

  [[nodiscard]] std::size_t streams() const noexcept { return stream_count_; }
  // No byte comes or goes any more; error(): why, 0 for an orderly end.
  [[nodiscard]] bool ended() const noexcept { return dead_; }
  [[nodiscard]] int error() const noexcept { return error_; }
  [[nodiscard]] Goaway goaway() const noexcept { return goaway_; }
  [[nodiscard]] bool settings_acked() const noexcept { return settings_acked_; }
  [[nodiscard]] bool in_head() const noexcept {
    return in_head_;
  }  // a header block has begun, and more of it is due
  [[nodiscard]] bool output_waits() const noexcept { return !output_.empty(); }
  [[nodiscard]] bool goaway_final() const noexcept { return goaway_final_; }
  [[nodiscard]] bool peer_leaves() const noexcept { return peer_goaway_; }
  // Whether the peer is still there: a PING asks, and whatever it sends counts as an answer.
  void ping();
  [[nodiscard]] std::uint64_t heard() const noexcept { return heard_; }  // reads that brought something
  [[nodiscard]] bool in_turn() const noexcept { return inside_; }  // of its own: it can't be destroyed now
  // What the peer's SETTINGS say, once they came.
  [[nodiscard]] bool peer_settings_came() const noexcept { return peer_settings_came_; }
  [[nodiscard]] std::uint32_t peer_streams() const noexcept;  // at the same time
  [[nodiscard]] bool peer_takes_tunnels() const noexcept;     // extended CONNECT
  // Requests that were malformed, streams that were refused or cancelled by the peer: since the last call.
  struct Counts {
    std::uint64_t malformed = 0, resets = 0;
  };
  [[nodiscard]] Counts take_counts() noexcept { return std::exchange(counts_, {}); }

  // No new streams; those that run may end. The first GOAWAY names none, the second the last one: RFC 9113 section
  // 6.8. Ends (ended()) when no stream is left and all has been sent.
  void begin_goaway();
  void end_goaway();  // do not wait any longer for the peer to hear of the first
  // GOAWAY and no more: streams are reset. kGraceful: with NO_ERROR.
  void terminate(Goaway why);

 private:
  friend class Stream;
  friend nghttp2_session_callbacks* session_callbacks();
  // What one call holds out.
  struct Offer {
    enum class Kind : std::uint8_t { kMemory, kPipe, kFile, kEnd };
    Stream& stream;
    Kind kind;
    std::size_t left;
    std::span<const iovec> pieces = {};
    std::size_t piece_offset = 0;
    os::Pipe* pipe = nullptr;
    int file = -1;
    std::uint64_t offset = 0;
    std::string_view trailers = {};
    std::size_t taken = 0;
    bool ended = false;
  };
  struct NgFree {
    void operator()(nghttp2_session* s) const noexcept { ::nghttp2_session_del(s); }
  };
  struct Callbacks;  // nghttp2's, in session_callbacks.cc

  void on_channel(relay::Channel&) override;
  void run_deferred() override;
  void turn();
  void read();
  void feed(std::string_view bytes);
  void take(std::string_view bytes);
  void dispatch();
  void wake();
  void flush(bool more = false);
  void pump();
  void soon() noexcept {
    if (!inside_) resources_.loop.defer(*this);
  }
  void fail(int error);
  void finish_turn();

  // --- for streams ---
  os::IoResult put(Offer& offer, bool more);
  bool send_head(Stream& stream, std::string_view text, Follows follows, http::Method asked);
  void read_from(Stream& stream, std::size_t bytes) noexcept;
  void forget(Stream& stream, relay::Close how) noexcept;
  [[nodiscard]] std::size_t room(const Stream& stream) const noexcept;
  void wait(Stream& stream);
  void news(Stream& stream) noexcept {
    stream.readable_ = true;
    ready_.push_back(stream.ready_);
  }
  void attach(Stream& stream, std::int32_t id);
  [[nodiscard]] Stream* best_waiting(std::uint64_t since) const noexcept;

  // --- for nghttp2's callbacks ---
  ssize_t offered(std::int32_t id, std::size_t most, std::uint32_t& flags);
  int send_data(const nghttp2_frame& frame, const std::uint8_t* head, std::size_t length);
  bool send_payload(std::size_t length);
  void lend(std::size_t length, bool copy);
  bool send_from_pipe(std::size_t length);
  bool send_from_file(std::size_t length);
  int frame_begins(const nghttp2_frame_hd& head);
  void head_begins(const nghttp2_frame& frame);
  int field(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int head_ended(const nghttp2_frame& frame);
  int request_ends(const nghttp2_frame& frame);
  int response_ends(const nghttp2_frame& frame, Stream& stream);
  int frame_came(const nghttp2_frame& frame);
  int data_came(std::int32_t id, std::string_view bytes);
  int stream_closed(std::int32_t id, std::uint32_t code);
  int not_sent(const nghttp2_frame& frame);
  int reset(std::int32_t id, std::uint32_t code);
  int count_reset();
  void frame_sent(const nghttp2_frame& frame);
  int broken(std::uint32_t code) noexcept;
  // Whether nghttp2 does: the stream is not over.
  [[nodiscard]] bool knows(std::int32_t id) const noexcept {
    return ::nghttp2_session_get_stream_remote_close(ng_.get(), id) != -1;
  }
  int count_control();
  int too_much(Goaway why) noexcept;
  bool append(relay::Buffer& head, std::string_view text);
  [[nodiscard]] Stream* find(std::int32_t id) const noexcept;
  [[nodiscard]] std::vector<nghttp2_nv>& as_nv();
  [[nodiscard]] std::string websocket_key();

  relay::Resources& resources_;
  relay::Channel& transport_;
  SessionHandler& handler_;
  const SessionOptions options_;
  std::unique_ptr<nghttp2_session, NgFree> ng_;
  Output output_;
  Offer* offer_ = nullptr;  // only within put()
  FieldList list_;
  std::vector<nghttp2_nv> nv_;
  RequestText request_;
  ResponseText response_;
  TrailerText trailer_;
  enum class Reading : std::uint8_t { kNothing, kRequest, kResponse, kTrailers } reading_ = Reading::kNothing;
  FrameHeads heads_;
  FloodGuard guard_;
  List<Stream::OfAll> all_, ready_;
  std::vector<Stream*> waiting_;
  std::size_t stream_count_ = 0;
  std::uint64_t turn_ = 0;
  std::uint64_t heard_ = 0;
  std::size_t block_bytes_ = 0;  // of the header block that is coming in
  Counts counts_;
  ClosedStreams closed_;
  std::uint64_t received_ = 0, useful_ = 0;  // bytes; of requests and bodies, either way
  Goaway goaway_ = Goaway::kNone;
  std::uint32_t goaway_code_ = NGHTTP2_PROTOCOL_ERROR;  // for kProtocol
  bool flooded_ = false;                                // the peer made us reset too many streams
  bool inside_ = false;                                 // a turn is running
  bool dead_ = false;
  int error_ = 0;
  bool settings_acked_ = false;
  bool in_head_ = false;
  bool peer_goaway_ = false;
  bool peer_settings_came_ = false;
  bool goaway_final_ = false;
  bool terminated_ = false;
};

}  // namespace sluice::http2
