// One stream of an HTTP/2 connection, as one end of a relay: DATA payload in, DATA payload out.
//
// A head arrives as HTTP/1 text. On the server's side the owner takes it (take_head); on the client's side recv()
// yields it before the body, as a connection to an HTTP/1 server would. send_head() takes such text and makes fields
// of it; nothing is left to write.
//
// Inbound   DATA waits in a block of the relay's, bounded by the stream's window, which recv() gives back.
// Outbound  what a call takes is framed at once; what the transport does not take of a begun frame waits in the
//           connection's output and leaves by itself, even when this stream is gone. finish() does not wait for it.
// Ends      END_STREAM rides on the last DATA where the head told a content-length, else finish() sends it.
//           close() before that is RST_STREAM; close(kClean) behind it, with a request still coming in, is
//           RST_STREAM(NO_ERROR): RFC 9113 section 8.1.
// Lifetime  the owner's; it may outlive the session, and is not open() from then on.
// Thread    the loop's.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/list.h"
#include "http/head.h"
#include "http2/head_text.h"
#include "http2/priority.h"
#include "relay/buffer.h"
#include "relay/channel.h"

namespace sluice::http2 {

class Session;

inline constexpr std::uint32_t kRefusedStream = 7;  // REFUSED_STREAM: RFC 9113 section 7

// What follows a head.
enum class Follows : std::uint8_t {
  kAnotherHead,  // this one is interim
  kBody,
  kNothing,
  kTunnel,  // it answers an extended CONNECT; a 101 goes out as 200
};

class Stream final : public relay::Channel {
 public:
  Stream() noexcept = default;  // not of a session yet
  ~Stream() override;

  // --- head ---
  // Server: the request's text, in a block of the heads' pool. Fault::kTooLarge and kUnknownProtocol are for the owner
  // to answer; the text is empty then.
  [[nodiscard]] relay::Buffer take_head() noexcept { return std::move(head_); }
  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  [[nodiscard]] bool extended_connect() const noexcept { return extended_connect_; }
  // `asked`: the method, on a client's stream. False: the text is no head, or the stream has ended.
  bool send_head(std::string_view text, Follows follows, http::Method asked = http::Method::kOther);
  [[nodiscard]] std::int32_t id() const noexcept { return id_; }
  // The peer's error code, or 0; e.g. REFUSED_STREAM: nothing was done, try again.
  [[nodiscard]] std::uint32_t reset_code() const noexcept { return reset_code_; }
  // The peer has not acted on the request: REFUSED_STREAM, or a GOAWAY that does not reach to it. RFC 9113 section 8.7.
  [[nodiscard]] bool refused() const noexcept { return reset_code_ == kRefusedStream; }

  // --- relay::Channel ---
  [[nodiscard]] bool open() const noexcept override { return session_ != nullptr; }
  [[nodiscard]] int connect_error() noexcept override { return failed() ? ECONNRESET : 0; }
  void close(relay::Close how) noexcept override;
  [[nodiscard]] relay::SourceKind source_kind() const noexcept override {
    return relay::SourceKind::kHttp2Stream;
  }
  [[nodiscard]] bool readable() const noexcept override { return readable_; }
  void clear_readable() noexcept override { readable_ = has_input(); }
  void mark_readable() noexcept override { readable_ = true; }
  [[nodiscard]] bool peer_closed() const noexcept override { return remote_done_ || reset_; }
  os::IoResult recv(std::span<char> into) noexcept override;
  os::IoResult splice_to(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  [[nodiscard]] bool was_reset() const noexcept override { return reset_; }
  [[nodiscard]] bool silent() noexcept override { return open() && !has_input(); }
  [[nodiscard]] bool failed() noexcept override { return reset_ || session_ == nullptr; }
  [[nodiscard]] std::string_view trailers() const noexcept override { return trailers_; }
  [[nodiscard]] relay::Reason encrypted_because() const noexcept override;

  [[nodiscard]] relay::SinkKind sink_kind() const noexcept override;
  [[nodiscard]] bool writable() const noexcept override { return !waiting_ || reset_; }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override;
  os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept override;
  os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept override;
  os::IoResult finish(std::string_view trailers) noexcept override;
  void shutdown_write() noexcept override { (void)finish({}); }

 private:
  friend class Session;
  struct OfAll : ListLink {
    explicit OfAll(Stream& s) noexcept : stream(s) {}
    Stream& stream;
  };
  [[nodiscard]] bool has_input() const noexcept {
    return !head_.empty() || !body_.empty() || remote_done_ || reset_;
  }

  Session* session_ = nullptr;
  std::int32_t id_ = 0;
  OfAll all_{*this}, ready_{*this};  // in the session's lists
  relay::Buffer head_, body_;
  std::string trailers_;
  std::optional<std::uint64_t> length_left_;  // of what goes out, where its head told
  std::uint32_t reset_code_ = 0;
  std::uint64_t turn_ = 0;  // when it last waited: who shares goes behind the others
  Priority priority_;
  Fault fault_ = Fault::kNone;
  http::Method asked_ = http::Method::kOther;
  bool extended_connect_ = false;
  bool head_sent_ = false;  // a final one
  bool readable_ = false;
  bool waiting_ = false;        // for room; the session wakes it
  bool response_seen_ = false;  // client: the final head came
  bool remote_done_ = false;    // END_STREAM came
  bool local_done_ = false;     // END_STREAM is framed or on its way
  bool closed_ = false;         // nghttp2 knows it no more
  bool reset_ = false;
};

}  // namespace sluice::http2
