// One body on its way from channel to channel: the heart of the relay.
//
// The source tells its end by a length, by chunks, or by closing; the sink gets the payload raw or in chunks
// of our own. Between them the payload goes through a pipe (splice) or through a block of memory (buffered),
// decided run by run by choose(); a path that fails falls back on the other at the byte where it stopped.
//
//              held (user memory)
//   source ──▶ [ready payload][gap][raw bytes] ──┐
//      └─────▶ pipe ─────────────────────────────┴──▶ sink      order out: head, lead, ready, tail, pipe
//
// Invariants  The pipe is filled only when empty, and only when nothing of this body is left undecoded in
// `held`; so
//             memory always goes out before the pipe, and EAGAIN on filling has one meaning.
//             Bytes behind this body in `held` (a pipelined request) stay there.
// Units       bytes. `budget` caps the payload of one call, so that a large body can't starve the loop.
// Thread      the loop thread that owns both channels; nothing here locks.
// Lifetime    borrows channels and buffer for the length of a call; owns its pipe while bytes are in it.
// Errors      values: see Step. kTruncated, kMalformed: what was read before has been delivered, nothing
// pretends to be the end.
// Requires    SIGPIPE ignored.
// Source      splice(2), pipe(7); RFC 9112 sections 6 and 7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/step.h"
#include "relay/channel.h"
#include "relay/choose.h"
#include "relay/chunked.h"
#include "relay/learner.h"
#include "relay/ledger.h"
#include "relay/policy.h"
#include "relay/resources.h"

namespace sluice::relay {

struct StreamPlan {
  Shape in = Shape::kLength;  // kChunk: a chunked body; kTunnel: until close, and quiet for long times
  std::uint64_t length = 0;   // kLength
  bool chunk_out = false;
  std::uint64_t limit = 0;  // payload above this is kTooLarge; 0: none
  Policy policy;
  // Checks and cleans a trailer section (http::filter_trailers), false: kMalformed. Null: trailers are dropped. They go
  // on in the last chunk, or with the sink's finish().
  bool (*filter_trailers)(std::string_view raw, std::string& out) = nullptr;
};

class StreamTransfer {
 public:
  StreamTransfer(Resources& resources, const StreamPlan& plan) noexcept;

  // Moves up to `budget` payload bytes. `head` goes out before everything else; pass it in the first call
  // only (what the sink does not take at once is copied).
  StepResult step(Channel& source, Buffer& held, Channel& sink, std::size_t budget,
                  std::string_view head = {});

  // What choose() will say of the first run, for a header that must be written before anything moves.
  Choice foresee(const Channel& source, Buffer& held, const Channel& sink);
  // False for chunks of which none has arrived: what becomes of them depends on their sizes.
  [[nodiscard]] bool foreseeable(const Buffer& held) const noexcept {
    return plan_.in != Shape::kChunk || !held.empty();
  }

  [[nodiscard]] bool source_done() const noexcept { return in_done_; }   // the whole body was taken in
  [[nodiscard]] bool begun() const noexcept { return begun_; }           // some of it was taken in
  [[nodiscard]] bool sink_touched() const noexcept { return touched_; }  // at least one byte went out
  [[nodiscard]] std::uint64_t delivered() const noexcept { return ledger_.out(); }
  [[nodiscard]] std::uint64_t zero_copy() const noexcept { return zero_copy_; }
  // The path that mattered: splice if any byte went that way, else why not.
  [[nodiscard]] Choice choice() const noexcept { return choice_; }

 private:
  struct Ends {
    Channel& source;
    Buffer& held;
    Channel& sink;
  };
  StepResult run(Ends io, std::size_t budget);
  Step pull(Ends io, std::size_t budget);
  Step decode(Buffer& held);
  Step decode_chunks(Buffer& held);
  Step fill_pipe(Ends io, std::size_t budget);
  Step fill_memory(Ends io);
  Step push_memory(Ends io);
  Step push_pipe(Ends io);
  Step unpipe(Buffer& held);
  Step source_ended(Ends io);
  Step sink_failed(int error) noexcept;
  Step finish(Ends io);
  void meet(const Channel& source, const Channel& sink) noexcept;
  void frame();
  bool take_trailers(std::string_view raw);
  [[nodiscard]] Question question(std::uint64_t run) const noexcept;
  [[nodiscard]] Choice came_with_head() const noexcept;
  bool splices(Ends io, std::uint64_t run);
  void note(Choice choice) noexcept;
  [[nodiscard]] std::uint64_t run_left() const noexcept;
  [[nodiscard]] bool waits_long() const noexcept;
  void took(std::uint64_t n) noexcept;
  void sent(std::uint64_t n) noexcept;
  [[nodiscard]] bool nothing_waits() const noexcept {
    return ready_ == 0 && pipe_.pending() == 0 && head_.empty() && lead_.empty() && tail_.empty();
  }

  Resources& resources_;
  StreamPlan plan_;
  // What the two ends are; asked anew for each fill, because kernel TLS comes and goes in the middle of a body: what
  // OpenSSL has read ahead, and what stands behind a control record, is taken from it.
  SourceKind source_ = SourceKind::kSocket;
  SinkKind sink_ = SinkKind::kPlainSocket;
  Reason encrypted_ = Reason::kEncrypted;
  ChunkedDecoder decoder_;
  PipeLease pipe_;
  std::string_view head_;          // only within step()
  std::string lead_;               // framing (and what is left of the head) that goes before the payload
  std::string tail_;               // framing that goes right behind memory payload, in the same call
  std::string trailers_;           // as they go on
  std::uint32_t ready_ = 0;        // payload bytes at the front of `held`
  std::uint32_t gap_ = 0;          // spent framing bytes between them and the raw bytes
  std::uint64_t length_left_ = 0;  // kLength
  std::uint64_t block_left_ = 0;   // chunk_out: payload bytes of the announced chunk still to be sent
  Ledger ledger_;
  Lesson lesson_;  // of a body with a length, both of whose ends are sockets
  std::uint64_t zero_copy_ = 0;
  Choice choice_;            // what is told: see choice()
  Choice run_choice_;        // of the current run; told when its first byte moves
  bool in_done_ = false;     // the source's framing says: the body is complete
  bool block_open_ = false;  // chunk_out: a chunk is announced and its CRLF not yet written
  bool end_framed_ = false;  // chunk_out: the last chunk is in lead_ or tail_, or sent
  bool deciding_ = true;     // the next socket run asks choose()
  bool splicing_ = false;    // ... and this was the answer for the current run
  enum class Chunks : std::uint8_t {
    kUnseen,
    kLarge,
    kSmall
  } chunks_ = Chunks::kUnseen;  // kChunk: the last one
  bool refused_ = false;        // the kernel would not splice here
  bool eof_seen_ = false;
  bool read_ = false;  // a block was filled from the source
  bool begun_ = false;
  bool touched_ = false;
  bool streaming_ = false;        // kTunnel: the last read filled its block
  std::uint8_t small_fills_ = 0;  // kTunnel: consecutive little ones
  int error_ = 0;
};

}  // namespace sluice::relay
