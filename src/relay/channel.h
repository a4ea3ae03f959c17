// One end of a relay: an ordered flow of bytes in each direction, whatever carries it. A plain socket, a TLS
// connection, one stream of an HTTP/2 connection, or one of these behind an encoder.
//
//   recv, splice_to ◀──  source side   │ a channel │   sink side  ◀── send, splice_from, send_file, finish
//
// The relay asks each side what it is (source_kind, sink_kind) and lets choose() decide; it never asks which class
// stands behind it.
//
// Readiness   readable() and writable() say "a call is worth trying". A call that answers EAGAIN turns its own flag
//             off, and the handler hears when it is on again. A short count does not mean EAGAIN.
// Accepted    a sink may take bytes that have not reached the kernel yet (a TLS record half sent, a frame): they are
//             bounded, they leave by themselves when there is room, and finish() tells when the last one has left.
// Thread      the loop's. Lifetime: the owner's; a handler may destroy its channel in on_channel().
// Errors      os::IoResult with errno. EPIPE: the peer has ended its reading; ECONNRESET: a reset; EPROTO: the peer
//             broke the protocol that carries the bytes (a bad TLS record); ETIME: it ran out of time.
// Source      what each implementation names.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "os/io_result.h"
#include "os/pipe.h"
#include "relay/choose.h"

namespace sluice::relay {

class Channel;

class ChannelHandler {
 public:
  // Something changed: ask the channel what. May close or destroy the channel.
  virtual void on_channel(Channel& channel) = 0;

 protected:
  ~ChannelHandler() = default;
};

// How a channel ends.
enum class Close : std::uint8_t {
  kClean,  // all was said: FIN, close_notify, END_STREAM
  kCut,    // the message was not whole: no close_notify, RST_STREAM
  kReset,  // ... and only a reset can show it: RST
};

class Channel {
 public:
  Channel() noexcept = default;
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;  // events know its address
  Channel& operator=(const Channel&) = delete;

  // E.g. when a pooled upstream connection changes hands. The flags stay as they are.
  void set_handler(ChannelHandler& handler) noexcept { handler_ = &handler; }

  [[nodiscard]] virtual bool open() const noexcept = 0;
  // How far its making got: 0 established, EINPROGRESS not yet (ask again at its next event), else why it failed.
  [[nodiscard]] virtual int connect_error() noexcept = 0;
  // ... in words, where they say more than errno. Valid until close().
  [[nodiscard]] virtual std::string_view failure() const noexcept { return {}; }
  // No event follows. Idempotent; the destructor closes kCut where nobody did before.
  virtual void close(Close how) noexcept = 0;

  // Its next events come before all others' of the same turn.
  virtual void set_first(bool) noexcept {}

  // --- source ---
  [[nodiscard]] virtual SourceKind source_kind() const noexcept = 0;
  [[nodiscard]] virtual bool readable() const noexcept = 0;
  // "All there was has been read": the owner knows without asking. No effect where that can't be so.
  virtual void clear_readable() noexcept = 0;
  virtual void mark_readable() noexcept = 0;  // a recv() is worth trying without word from the kernel
  // A FIN or RST waits behind the data.
  [[nodiscard]] virtual bool peer_closed() const noexcept = 0;
  // bytes == 0: the end of the stream. For TLS and HTTP/2 only a proper one (close_notify, END_STREAM); a
  // connection that just stops is ECONNRESET.
  virtual os::IoResult recv(std::span<char> into) noexcept = 0;
  // Only where source_kind() is kSocket. Counts what it put into the pipe there itself. EINVAL: the next bytes are
  // not payload (a TLS control record): recv() takes them.
  virtual os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept = 0;
  // More is expected, and nothing goes the other way that could carry the acknowledgement of what was read: a sender that
  // waits for it is told now. No effect where that can't be.
  virtual void acknowledge() noexcept {}
  // A reset is told once, to whichever call comes first; this remembers it for the others.
  [[nodiscard]] virtual bool was_reset() const noexcept = 0;
  // Nothing waits to be read and the peer has not ended: asks the kernel. An idle connection that is not silent
  // can't be used again.
  [[nodiscard]] virtual bool silent() noexcept = 0;
  // The connection failed (a FIN alone is no failure). Asks the kernel where readable() leaves it open.
  [[nodiscard]] virtual bool failed() noexcept = 0;
  // Field lines ("a: b\r\n") that came behind the body; valid after recv() said 0. Empty for byte streams.
  [[nodiscard]] virtual std::string_view trailers() const noexcept { return {}; }

  // Why OpenSSL and not the kernel encrypts, where one of the kinds is kUserTls.
  [[nodiscard]] virtual Reason encrypted_because() const noexcept { return Reason::kEncrypted; }

  // --- sink ---
  [[nodiscard]] virtual SinkKind sink_kind() const noexcept = 0;
  [[nodiscard]] virtual bool writable() const noexcept = 0;
  // Gathers and takes. `more` is a promise that more follows at once: never on the last piece.
  virtual os::IoResult send(std::span<const iovec> pieces, bool more) noexcept = 0;
  // Only where the sink's kind allows it (see choose()). Takes from the pipe, and counts there itself.
  virtual os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept = 0;
  // bytes == 0: the file ends before `offset`.
  virtual os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept = 0;
  // The body is complete; ok() once all that was taken has left. EAGAIN: call again when writable(). `trailers` are
  // field lines for sinks that have room for them; the same ones in each call.
  virtual os::IoResult finish(std::string_view trailers) noexcept = 0;
  // Nothing that was taken is still here; else writable() tells when to ask again. For a body that is going to be cut:
  // what came of it is delivered first.
  [[nodiscard]] virtual bool flushed() noexcept { return true; }
  // finish(), then the end of this direction (FIN, close_notify, END_STREAM); reading goes on.
  virtual void shutdown_write() noexcept = 0;

 protected:
  void tell_handler() {
    if (handler_ != nullptr) handler_->on_channel(*this);  // may destroy this: nothing follows
  }

 private:
  ChannelHandler* handler_ = nullptr;
};

}  // namespace sluice::relay
