// A sink that compresses: what it is sent goes on to another channel, coded and framed.
//
//   payload ──▶ compressor ──▶ [size line][coded payload][CRLF] a block, when full or at rest ──▶ inner channel
//
// The head goes out before everything else, as it is, and in one call with the first of the body.
// Pauses    a compressor holds back what it may still find a repetition of. Call rest() when the source is dry: what
//           was given then leaves, and the client can decode it.
// Memory    a block while coded bytes wait in it, the compressor's own, and what of the head has not left.
// Accepted  send() takes what fits into the block; it says EAGAIN while a full one waits for the inner channel.
// Lifetime  borrows the inner channel, whose handler and closing stay its owner's. As a source it is the inner one.
// Thread    the worker's. Errors: as the inner channel; ENOMEM.
// Source    RFC 9112 section 7.1 (chunks).
#pragma once

#include <string>
#include <string_view>

#include "content/compressors.h"
#include "relay/buffer.h"
#include "relay/channel.h"

namespace sluice::content {

class Encoder final : public relay::Channel {
 public:
  // `chunked`: the inner channel is an HTTP/1 connection; else it frames by itself.
  Encoder(relay::Channel& inner, relay::BufferPool& blocks, Compressors::Lease compressor, bool chunked,
          std::string_view head)
      : inner_(inner), blocks_(blocks), compressor_(std::move(compressor)), chunked_(chunked), head_(head) {}

  // The source has nothing for now. `flush`: also what the compressor holds goes out, so that the client can decode
  // all that was given. EAGAIN: call again when writable().
  os::IoResult rest(bool flush);

  [[nodiscard]] config::Coding coding() const noexcept { return compressor_->coding(); }
  [[nodiscard]] std::uint64_t delivered() const noexcept {
    return delivered_;
  }                                                                          // coded payload that has left
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }  // ... with head and framing

  [[nodiscard]] relay::SinkKind sink_kind() const noexcept override { return relay::SinkKind::kEncoder; }
  [[nodiscard]] bool writable() const noexcept override { return inner_.writable(); }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override;
  os::IoResult splice_from(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  os::IoResult send_file(int, std::uint64_t, std::size_t) noexcept override { return {.error = EINVAL}; }
  os::IoResult finish(std::string_view trailers) noexcept override;
  [[nodiscard]] bool flushed() noexcept override { return inner_.flushed(); }
  void shutdown_write() noexcept override { inner_.shutdown_write(); }

  [[nodiscard]] bool open() const noexcept override { return inner_.open(); }
  [[nodiscard]] int connect_error() noexcept override { return inner_.connect_error(); }
  void close(relay::Close how) noexcept override { inner_.close(how); }
  [[nodiscard]] relay::SourceKind source_kind() const noexcept override { return inner_.source_kind(); }
  [[nodiscard]] bool readable() const noexcept override { return inner_.readable(); }
  void clear_readable() noexcept override { inner_.clear_readable(); }
  void mark_readable() noexcept override { inner_.mark_readable(); }
  [[nodiscard]] bool peer_closed() const noexcept override { return inner_.peer_closed(); }
  os::IoResult recv(std::span<char> into) noexcept override { return inner_.recv(into); }
  os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept override {
    return inner_.splice_to(pipe, most);
  }
  [[nodiscard]] bool was_reset() const noexcept override { return inner_.was_reset(); }
  [[nodiscard]] bool silent() noexcept override { return inner_.silent(); }
  [[nodiscard]] bool failed() noexcept override { return inner_.failed(); }
  [[nodiscard]] std::string_view trailers() const noexcept override { return inner_.trailers(); }
  [[nodiscard]] relay::Reason encrypted_because() const noexcept override {
    return inner_.encrypted_because();
  }

 private:
  int code(std::string_view& in, Flush flush);
  os::IoResult complete(Flush flush);
  void frame();
  os::IoResult push();
  [[nodiscard]] bool waits() const noexcept { return !head_.empty() || framed_ || !tail_.empty(); }

  relay::Channel& inner_;
  relay::BufferPool& blocks_;
  Compressors::Lease compressor_;
  const bool chunked_;
  std::string head_;  // what is left of it
  relay::Buffer block_;
  std::string tail_;               // the last chunk and its trailers
  std::size_t payload_ = 0;        // coded bytes in the block
  std::size_t line_ = 0;           // of its size line, what has not left
  bool framed_ = false;            // the block takes no more: it leaves as it is
  bool dirty_ = false;             // the compressor was given something since it was flushed
  Flush underway_ = Flush::kNone;  // a flush that is not complete
  bool ended_ = false;             // the compressor has said all
  std::uint64_t delivered_ = 0, written_ = 0;
};

}  // namespace sluice::content
