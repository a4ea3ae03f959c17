#include "relay/stream_transfer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace sluice::relay {

namespace {

// How much is read where a chunk's size line is expected: what comes along of its payload is copied. Next to
// nothing while chunks are spliced; little before the first is known; a whole block (see fill_memory) once
// they turn out to be small.
constexpr std::size_t kBetweenLargeChunks = 512;
constexpr std::size_t kBeforeFirstChunk = 4096;
// A tunnel that moves less than this per fill, this many times in a row, is no stream: copying is cheaper.
constexpr std::size_t kSmallFill = 4096;
constexpr std::uint8_t kSmallFills = 4;
// A wait for as much as this, or more, of a body or chunk is worth a call that lets its sender go on. Where the origin runs
// on the same machine a segment has up to 64 KiB, and a lone one is acknowledged late.
constexpr std::uint64_t kLongWait = 262144;
constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

}  // namespace

StreamTransfer::StreamTransfer(Resources& resources, const StreamPlan& plan) noexcept
    : resources_(resources),
      plan_(plan),
      length_left_(plan.in == Shape::kLength ? plan.length : 0),
      lesson_(plan.in == Shape::kLength && !plan.chunk_out ? plan.policy.learner : nullptr) {
  in_done_ = plan.in == Shape::kLength && plan.length == 0;
}

std::uint64_t StreamTransfer::run_left() const noexcept {
  switch (plan_.in) {
    case Shape::kLength:
      return length_left_;
    case Shape::kChunk:
      return decoder_.data_left();
    case Shape::kUntilClose:
    case Shape::kTunnel:
      return kEndless;
  }
  return 0;
}

// `n` payload bytes came in from the source.
void StreamTransfer::took(std::uint64_t n) noexcept {
  ledger_.came_in(n);
  if (plan_.in == Shape::kLength) {
    length_left_ -= n;
    in_done_ = length_left_ == 0;
  } else if (plan_.in == Shape::kChunk) {
    decoder_.took_data(n);
    if (decoder_.data_left() == 0) {
      if (deciding_) chunks_ = Chunks::kSmall;  // all of it came in memory: nobody had to decide
      deciding_ = true;
    }
  }
}

bool StreamTransfer::waits_long() const noexcept {
  const std::uint64_t run = run_left();
  return run != kEndless && run >= kLongWait;
}

// `n` payload bytes went out to the sink.
void StreamTransfer::sent(std::uint64_t n) noexcept {
  ledger_.went_out(n);
  if (plan_.chunk_out) block_left_ -= n;
}

// What was spliced tells most, then what would have been: small runs say nothing about the large ones.
void StreamTransfer::note(Choice choice) noexcept {
  if (choice_.strategy == Strategy::kSplice) return;
  if (choice_.reason == Reason::kNoPipe && choice.strategy != Strategy::kSplice) return;
  choice_ = choice;
}

Question StreamTransfer::question(std::uint64_t run) const noexcept {
  return {.source = source_,
          .sink = sink_,
          .shape = plan_.in,
          .length = run == kEndless ? std::nullopt : std::optional(run),
          .encrypted = encrypted_,
          .streaming = streaming_,
          .kernel_refused = refused_,
          .splice_built = resources_.kernel.splice,
          .sendfile_built = resources_.kernel.sendfile,
          .force = plan_.policy.force,
          .splice_min = plan_.policy.splice_min,
          .sendfile_min = plan_.policy.sendfile_min,
          .contrary = plan_.policy.contrary && lesson_.wanted()};
}

bool StreamTransfer::splices(Ends io, std::uint64_t run) {
  meet(io.source, io.sink);
  if (!deciding_ && plan_.in != Shape::kTunnel && (pipe_.valid() || !splicing_)) return splicing_;
  Question q = question(run);
  // A run that began spliced ends spliced: its rest is small only because most of it has gone.
  if (!deciding_ && splicing_) q.splice_min = 0;
  if (deciding_) lesson_.is_of(run, source_ == SourceKind::kSocket && sink_ == SinkKind::kPlainSocket);
  Choice choice = choose(q);
  if (choice.strategy == Strategy::kSplice && !pipe_.valid()) {
    pipe_ = resources_.pipes.take(run);
    if (!pipe_.valid()) {
      q.pipe_available = false;
      choice = choose(q);
    }
  }
  run_choice_ = choice;
  deciding_ = false;
  splicing_ = choice.strategy == Strategy::kSplice;
  chunks_ = splicing_ ? Chunks::kLarge : Chunks::kSmall;
  return splicing_;
}

void StreamTransfer::meet(const Channel& source, const Channel& sink) noexcept {
  const SourceKind before = std::exchange(source_, source.source_kind());
  if (source_ != before) deciding_ = true;
  sink_ = sink.sink_kind();
  encrypted_ = sink_ == SinkKind::kUserTls ? sink.encrypted_because() : source.encrypted_because();
}

Choice StreamTransfer::foresee(const Channel& source, Buffer& held, const Channel& sink) {
  meet(source, sink);
  if (in_done_) return {Strategy::kNone, Reason::kNoBody};
  if (ready_ == 0 && !held.empty()) (void)decode(held);  // its outcome is met again by step()
  const std::uint64_t run = run_left();
  Question q = question(run);
  q.came_with_head = in_done_;
  if (plan_.in == Shape::kChunk && run == 0) q.length = 1;  // no chunk seen yet, or only small ones
  return choose(q);
}

StepResult StreamTransfer::step(Channel& source, Buffer& held, Channel& sink, std::size_t budget,
                                std::string_view head) {
  lesson_.begin_step();
  meet(source, sink);
  head_ = head;
  StepResult result = run({source, held, sink}, budget);
  if (!head_.empty()) {  // the sink did not take all of it, and the caller's memory is about to change
    lead_.insert(0, head_);
    head_ = {};
  }
  if (!ledger_.balances(ready_ + pipe_.pending())) result.step = Step::kLedgerBroken;
  if (result.step == Step::kSourceDry && result.bytes != 0 && waits_long()) source.acknowledge();
  if (pipe_.valid() && pipe_.pending() == 0 && result.step != Step::kMoved) pipe_.give_back();
  // What is left in `held` now is either ours and waits for the sink, or belongs to the next message.
  if (ready_ == 0) {
    held.consume(gap_);
    gap_ = 0;
    held.release_if_empty();
  }
  lesson_.end_step(result.step, choice_);
  return result;
}

StepResult StreamTransfer::run(Ends io, std::size_t budget) {
  const std::uint64_t before = ledger_.out();
  const auto answer = [&](Step step) {
    return StepResult{
        .step = step, .bytes = static_cast<std::size_t>(ledger_.out() - before), .error = error_};
  };
  for (;;) {
    Step pulled = Step::kMoved;
    // Not while part of a chunk's end waits in tail_: new payload would overtake it.
    if (ready_ == 0 && pipe_.pending() == 0 && tail_.empty() && !in_done_) {
      pulled = pull(io, budget);
      // What came before a cut is delivered; both are found again at the next look.
      if ((pulled == Step::kTruncated || pulled == Step::kMalformed) && !io.sink.flushed())
        return answer(Step::kSinkFull);
      if (pulled != Step::kMoved && pulled != Step::kSourceDry) return answer(pulled);
      // What goes on through the pipe is fetched before the memory part is sent, so that the two leave
      // together.
      if (ready_ != 0 && !in_done_ && run_left() != 0 && splices(io, run_left())) {
        const Step filled = fill_pipe(io, budget);
        if (filled != Step::kMoved && filled != Step::kSourceDry) return answer(filled);
      }
    }
    frame();
    if (const Step pushed = push_memory(io); pushed != Step::kMoved) return answer(pushed);
    if (const Step pushed = push_pipe(io); pushed != Step::kMoved) return answer(pushed);
    frame();
    if (in_done_ && nothing_waits()) return answer(finish(io));
    if (pulled == Step::kSourceDry && nothing_waits()) return answer(Step::kSourceDry);
    if (ledger_.out() - before >= budget) return answer(Step::kMoved);
  }
}

// Brings in payload: from what was read already, else from the socket. kMoved: look again (payload, framing,
// or the end).
Step StreamTransfer::pull(Ends io, std::size_t budget) {
  io.held.consume(gap_);
  gap_ = 0;
  if (!io.held.empty()) {
    begun_ = true;
    const Step decoded = decode(io.held);
    if (decoded != Step::kMoved || ready_ != 0 || in_done_) return decoded;
  }
  if (eof_seen_) return source_ended(io);
  if (const std::uint64_t run = run_left(); run != 0 && splices(io, run)) return fill_pipe(io, budget);
  const Step filled = fill_memory(io);
  return filled == Step::kMoved ? decode(io.held) : filled;
}

// A source that may end by closing has ended; any other was cut.
Step StreamTransfer::source_ended(Ends io) {
  if (io.source.was_reset()) {
    error_ = ECONNRESET;
    return Step::kSourceFailed;
  }
  if (plan_.in != Shape::kUntilClose && plan_.in != Shape::kTunnel) return Step::kTruncated;
  if (!take_trailers(io.source.trailers())) return Step::kMalformed;
  in_done_ = true;
  return Step::kMoved;
}

Step StreamTransfer::sink_failed(int error) noexcept {
  error_ = error;
  return Step::kSinkFailed;
}

// All was given to the sink. It may hold some of it still, and has its own way to say that this is the end.
Step StreamTransfer::finish(Ends io) {
  const os::IoResult put = io.sink.finish(plan_.chunk_out ? std::string_view() : trailers_);
  if (put.would_block()) return Step::kSinkFull;
  return put.ok() ? Step::kDone : sink_failed(put.error);
}

Choice StreamTransfer::came_with_head() const noexcept {
  Question q = question(1);
  q.came_with_head = true;
  return choose(q);
}

// Finds the payload in `held` and puts it at the front: ready_ bytes, then gap_ spent ones, then raw ones.
Step StreamTransfer::decode(Buffer& held) {
  if (plan_.in == Shape::kChunk) return decode_chunks(held);
  const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(held.size(), run_left()));
  ready_ = n;
  took(n);
  if (choice_.strategy == Strategy::kNone) note(came_with_head());
  return plan_.limit != 0 && ledger_.in() > plan_.limit ? Step::kTooLarge : Step::kMoved;
}

Step StreamTransfer::decode_chunks(Buffer& held) {
  char* const front = held.data();
  std::size_t raw = 0;  // offset of the first byte not decoded
  while (raw < held.size()) {
    if (decoder_.data_left() == 0) {
      // A chunk already announced to the sink ends where the source's does: no other payload may slip into
      // it.
      if (block_left_ != 0 && ready_ == block_left_) break;
      raw += decoder_.skip_framing({front + raw, held.size() - raw});
      if (decoder_.done() && !take_trailers(decoder_.trailers())) {
        decoder_.refuse();
        --raw;  // what is wrong is not consumed, see below
      }
      if (decoder_.broken()) {
        if (ready_ == 0) return Step::kMalformed;
        break;  // what came before the nonsense is delivered first; the next look finds it again
      }
      if (decoder_.done()) {
        in_done_ = true;
        break;
      }
      continue;
    }
    const auto n =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(held.size() - raw, decoder_.data_left()));
    if (ready_ == 0) {  // the first payload stays where it is
      held.consume(raw);
      if (raw != 0) return decode_chunks(held);
    } else if (raw != ready_) {  // later ones close up, so that many small chunks become one
      std::memmove(front + ready_, front + raw, n);
    }
    ready_ += n;
    raw += n;
    took(n);
    if (plan_.limit != 0 && ledger_.in() > plan_.limit) return Step::kTooLarge;
  }
  gap_ = static_cast<std::uint32_t>(raw - ready_);
  if (ready_ == 0) {
    held.consume(gap_);
    gap_ = 0;
  } else if (choice_.strategy == Strategy::kNone) {
    // Chunks that one read brought along whole: why they are copied has not been asked yet.
    Choice copied = choose(question(1));
    if (copied.strategy != Strategy::kBuffered) copied = {Strategy::kBuffered, Reason::kSmallChunks};
    note(in_done_ && !read_ ? came_with_head() : copied);
  }
  return Step::kMoved;
}

Step StreamTransfer::fill_pipe(Ends io, std::size_t budget) {
  if (eof_seen_ || !io.source.readable()) return Step::kSourceDry;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(run_left(), budget));
  const os::IoResult got = io.source.splice_to(*pipe_, want);
  if (got.would_block()) return Step::kSourceDry;
  if (got.refused()) {
    // For good; or kernel TLS has met a record that is no payload, and says by its kind what comes next.
    meet(io.source, io.sink);
    refused_ = refused_ || source_ == SourceKind::kSocket;
    deciding_ = true;
    return Step::kMoved;  // ask again: the buffered path goes on from this byte
  }
  if (!got.ok()) {
    error_ = got.error;
    return Step::kSourceFailed;
  }
  if (got.bytes == 0) {
    eof_seen_ = true;
    return ready_ != 0 ? Step::kMoved : source_ended(io);
  }
  note(run_choice_);
  begun_ = true;
  took(got.bytes);
  if (plan_.in == Shape::kTunnel) {
    small_fills_ = got.bytes < kSmallFill ? static_cast<std::uint8_t>(small_fills_ + 1) : std::uint8_t{0};
    if (small_fills_ >= kSmallFills) streaming_ = false;
  }
  return plan_.limit != 0 && ledger_.in() > plan_.limit ? Step::kTooLarge : Step::kMoved;
}

Step StreamTransfer::fill_memory(Ends io) {
  if (!io.source.readable()) return Step::kSourceDry;
  const bool framing_only = plan_.in == Shape::kChunk && run_left() == 0 && chunks_ != Chunks::kSmall;
  if (io.held.empty() && io.held.holds_block() && !framing_only)
    io.held.release();  // a head's block is small
  if (!io.held.acquire(framing_only ? resources_.heads : resources_.blocks)) {
    error_ = ENOMEM;
    return Step::kSourceFailed;
  }
  std::span<char> room = io.held.room();
  if (framing_only)
    room = room.first(
        std::min(room.size(), chunks_ == Chunks::kLarge ? kBetweenLargeChunks : kBeforeFirstChunk));
  if (plan_.in == Shape::kLength) room = room.first(std::min<std::uint64_t>(room.size(), length_left_));
  const os::IoResult got = io.source.recv(room);
  if (got.would_block()) return Step::kSourceDry;
  if (!got.ok()) {
    error_ = got.error;
    return Step::kSourceFailed;
  }
  if (got.bytes == 0) {
    eof_seen_ = true;
    return source_ended(io);
  }
  read_ = begun_ = true;
  streaming_ = got.bytes == room.size();
  io.held.filled(got.bytes);
  if (run_left() != 0) note(run_choice_);
  return Step::kMoved;
}

// Announces payload to a sink that wants chunks, and closes what is complete.
void StreamTransfer::frame() {
  if (!plan_.chunk_out || end_framed_) return;
  const std::size_t piped = pipe_.pending();
  if (block_left_ == 0 && ready_ + piped != 0) {
    // A spliced chunk is announced whole: what is here, and what will follow through the pipe.
    const bool rest_follows = plan_.in == Shape::kChunk && splicing_ && !deciding_;
    block_left_ = ready_ + piped + (rest_follows ? decoder_.data_left() : 0);
    block_open_ = true;
    append_chunk_size(lead_, block_left_);
  }
  if (piped != 0 || block_left_ != ready_) return;  // more of this chunk is still to come
  // The rest goes out from memory, so what follows the chunk can go out in the same call.
  std::string& out = ready_ != 0 ? tail_ : lead_;
  if (block_open_) out += "\r\n";
  block_open_ = false;
  if (!in_done_) return;
  out.append("0\r\n").append(trailers_).append("\r\n");  // the last chunk, behind whatever goes out now
  end_framed_ = true;
}

// false: malformed, and so is the body that ends with them.
bool StreamTransfer::take_trailers(std::string_view raw) {
  if (plan_.filter_trailers == nullptr || raw.empty()) return true;
  return plan_.filter_trailers(raw, trailers_);
}

Step StreamTransfer::push_memory(Ends io) {
  while (!head_.empty() || !lead_.empty() || ready_ != 0 || !tail_.empty()) {
    if (!io.sink.writable()) return Step::kSinkFull;
    const bool piped = pipe_.pending() != 0;
    std::array<iovec, 4> pieces;
    std::size_t count = 0;
    const auto add = [&](const char* data, std::size_t size) {
      if (size != 0) pieces[count++] = {.iov_base = const_cast<char*>(data), .iov_len = size};
    };
    add(head_.data(), head_.size());
    add(lead_.data(), lead_.size());
    add(io.held.data(), ready_);
    add(tail_.data(), tail_.size());
    const os::IoResult put = io.sink.send({pieces.data(), count}, piped);
    if (put.would_block()) return Step::kSinkFull;
    if (!put.ok()) return sink_failed(put.error);
    touched_ = touched_ || put.bytes != 0;

    std::size_t left = put.bytes;
    const auto spend = [&left](std::size_t size) {
      const std::size_t n = std::min(left, size);
      left -= n;
      return n;
    };
    head_.remove_prefix(spend(head_.size()));
    lead_.erase(0, spend(lead_.size()));
    const std::size_t payload = spend(ready_);
    io.held.consume(payload);
    ready_ -= static_cast<std::uint32_t>(payload);
    if (payload != 0) sent(payload);
    tail_.erase(0, spend(tail_.size()));
  }
  return Step::kMoved;
}

Step StreamTransfer::push_pipe(Ends io) {
  while (pipe_.pending() != 0) {
    if (!io.sink.writable()) return Step::kSinkFull;
    const os::IoResult put = io.sink.splice_from(*pipe_, pipe_.pending());
    if (put.would_block()) return Step::kSinkFull;
    if (put.refused()) {
      refused_ = deciding_ = true;
      if (const Step taken = unpipe(io.held); taken != Step::kMoved) return taken;
      if (const Step pushed = push_memory(io); pushed != Step::kMoved) return pushed;
      continue;
    }
    if (!put.ok()) return sink_failed(put.error);
    touched_ = true;
    zero_copy_ += put.bytes;
    sent(put.bytes);
  }
  return Step::kMoved;
}

// The sink can't be spliced to: what is in the pipe comes back into memory and goes on from there.
Step StreamTransfer::unpipe(Buffer& held) {
  held.consume(gap_);  // spent framing behind the memory part that went out before
  gap_ = 0;
  if (zero_copy_ == 0) choice_ = {Strategy::kBuffered, Reason::kKernelRefused};
  if (!held.acquire(resources_.blocks)) {
    error_ = ENOMEM;
    return Step::kSourceFailed;
  }
  const os::IoResult got = pipe_->drain(held.room());
  if (!got.ok()) {
    error_ = got.error;
    return Step::kSourceFailed;
  }
  held.filled(got.bytes);
  ready_ = static_cast<std::uint32_t>(got.bytes);
  return Step::kMoved;
}

}  // namespace sluice::relay
