#include "relay/body_transfer.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/file.h"
#include "relay/residency.h"

namespace sluice::relay {

BodyTransfer::BodyTransfer(Resources& resources, Body body, const Policy& policy,
                           std::function<void()> warmed)
    : resources_(resources),
      body_(std::move(body)),
      policy_(policy),
      warmed_(std::move(warmed)),
      lesson_(policy.learner) {}

namespace {

Choice choose_for(const FileRange& range, const Policy& policy, const Resources& resources,
                  const Channel& sink, bool refused) noexcept {
  return choose({.source = SourceKind::kFile,
                 .sink = sink.sink_kind(),
                 .length = range.length,
                 .encrypted = sink.encrypted_because(),
                 .kernel_refused = refused,
                 .splice_built = resources.kernel.splice,
                 .sendfile_built = resources.kernel.sendfile,
                 .force = policy.force,
                 .splice_min = policy.splice_min,
                 .sendfile_min = policy.sendfile_min,
                 .contrary = policy.contrary});
}

// Before a file range of this size or more the head leaves by itself. Then a long body is queued behind something, and
// congestion control that paces (BBR) takes the sender for one that has more to send, which it has; joined to its body, the
// head starts each response as if the connection had been slow. Shorter bodies would only pay for one more segment.
constexpr std::uint64_t kLong = 262144;

bool joins_head(const FileRange& range, const Channel& sink) noexcept {
  return range.length < kLong || sink.sink_kind() != SinkKind::kPlainSocket;
}

bool reaches(const File& file, std::uint64_t end) noexcept {
  struct stat status;
  int error = 0;
  return os::file_status(file.fd(), status, error) && static_cast<std::uint64_t>(status.st_size) >= end;
}

}  // namespace

Choice BodyTransfer::foresee(const Body& body, const Policy& policy, const Resources& resources,
                             const Channel& sink) noexcept {
  const FileRange* largest = nullptr;
  for (const Piece& piece : body) {
    const auto* range = std::get_if<FileRange>(&piece);
    if (range != nullptr && (largest == nullptr || range->length > largest->length)) largest = range;
  }
  if (largest != nullptr) return choose_for(*largest, policy, resources, sink, false);
  return body.empty() ? Choice{} : choose({.source = SourceKind::kMemory, .sink = sink.sink_kind()});
}

StepResult BodyTransfer::step(Channel& sink, std::size_t budget, std::string_view head) {
  lesson_.begin_step();
  head_ = head;
  const std::uint64_t before = ledger_.out();
  Step step = run(sink, budget);
  if (!head_.empty()) {
    lead_.insert(0, head_);
    head_ = {};
  }
  // Nothing is ever held: what a send did not take is still in the file or in the body's own bytes.
  if (!ledger_.balances(0)) step = Step::kLedgerBroken;
  lesson_.end_step(step, choice_);
  return {.step = step, .bytes = static_cast<std::size_t>(ledger_.out() - before), .error = error_};
}

Step BodyTransfer::run(Channel& sink, std::size_t budget) {
  const std::uint64_t end = ledger_.out() + budget;
  while (at_ < body_.size()) {
    const Piece& piece = body_[at_];
    const auto* range = std::get_if<FileRange>(&piece);
    const std::uint64_t size = range != nullptr ? range->length : std::get<std::string>(piece).size();
    if (done_ == size) {
      ++at_;
      done_ = 0;
      warmed_offset_ = 0;  // it was of this piece's file
      continue;
    }
    if (ledger_.out() >= end) return Step::kMoved;
    const Step step =
        range != nullptr
            ? step_file(sink, *range, static_cast<std::size_t>(end - ledger_.out()))
            : step_memory(sink, std::get<std::string>(piece), static_cast<std::size_t>(end - ledger_.out()));
    if (step != Step::kMoved) return step;
  }
  if (!head_.empty() || !lead_.empty()) {
    const Step step = send_pending(sink, {}, false);
    if (step != Step::kMoved || !head_.empty() || !lead_.empty()) return step;
  }
  if (!open_) return finish(sink);
  body_.clear();  // what was delivered: an open body may go on for days
  at_ = 0;
  return Step::kSourceDry;
}

Step BodyTransfer::finish(Channel& sink) {
  const os::IoResult put = sink.finish({});
  if (put.ok()) return Step::kDone;
  error_ = put.error;
  return put.would_block() ? Step::kSinkFull : Step::kSinkFailed;
}

// Sends what is left of the head, then payload; accounts for both. kMoved: all or part went out.
Step BodyTransfer::send_pending(Channel& sink, std::string_view payload, bool more) {
  return sink.writable() ? put_pending(sink, payload, more) : Step::kSinkFull;
}

Step BodyTransfer::put_pending(Channel& sink, std::string_view payload, bool more) {
  std::array<iovec, 3> pieces;
  std::size_t count = 0;
  for (const std::string_view part : {head_, std::string_view(lead_), payload}) {
    if (part.empty()) continue;
    pieces[count++] = {.iov_base = const_cast<char*>(part.data()), .iov_len = part.size()};
  }
  if (count == 0) return Step::kMoved;
  const os::IoResult put = sink.send({pieces.data(), count}, more);
  if (put.would_block()) return Step::kSinkFull;
  if (!put.ok()) {
    error_ = put.error;
    return Step::kSinkFailed;
  }
  touched_ = touched_ || put.bytes != 0;
  std::size_t left = put.bytes;
  const std::size_t of_head = std::min(left, head_.size());
  head_.remove_prefix(of_head);
  left -= of_head;
  const std::size_t of_lead = std::min(left, lead_.size());
  lead_.erase(0, of_lead);
  left -= of_lead;
  done_ += left;
  ledger_.came_in(left);
  ledger_.went_out(left);
  return Step::kMoved;
}

Step BodyTransfer::step_memory(Channel& sink, const std::string& bytes, std::size_t budget) {
  if (choice_.strategy == Strategy::kNone)
    choice_ = choose({.source = SourceKind::kMemory, .sink = sink.sink_kind()});
  const std::string_view payload = std::string_view(bytes).substr(done_, budget);
  return send_pending(sink, payload, done_ + payload.size() < bytes.size() || !last_piece());
}

Step BodyTransfer::step_file(Channel& sink, const FileRange& range, std::size_t budget) {
  const Choice choice = choose_for(range, policy_, resources_, sink, refused_);
  if (choice_.strategy != Strategy::kSendfile && choice_.strategy != Strategy::kMmap) choice_ = choice;
  if (done_ == 0)
    lesson_.is_of(range.length, sink.sink_kind() == SinkKind::kPlainSocket && body_.size() == 1);
  const std::uint64_t offset = range.offset + done_;
  // Never past the window whose pages were asked about.
  const std::uint64_t window_end = (offset / File::kWindow + 1) * File::kWindow;
  const auto most =
      static_cast<std::size_t>(std::min({range.length - done_, window_end - offset, std::uint64_t{budget}}));
  if (choice.strategy == Strategy::kMmap) return send_mapped(sink, range, most);
  if (choice.strategy != Strategy::kSendfile) return copy_file(sink, range, most);

  if (const Step ready = ensure_resident(range, offset); ready != Step::kMoved) return ready;
  if (!head_.empty() || !lead_.empty()) {
    const Step sent = send_pending(sink, {}, joins_head(range, sink));
    if (sent != Step::kMoved) return sent;
    if (!head_.empty() || !lead_.empty()) return Step::kSinkFull;
  }
  if (!sink.writable()) return Step::kSinkFull;
  const os::IoResult put = sink.send_file(range.file->fd(), offset, most);
  if (put.would_block()) return Step::kSinkFull;
  if (put.ok() && put.bytes == 0) return Step::kTruncated;
  if (put.refused()) {
    refused_ = true;  // a file system without it: the same bytes are copied, from this one on
    if (zero_copy_ == 0) choice_ = {};
    return Step::kMoved;
  }
  if (!put.ok()) {
    error_ = put.error;
    return put.error == EIO ? Step::kSourceFailed : Step::kSinkFailed;
  }
  touched_ = true;
  done_ += put.bytes;
  zero_copy_ += put.bytes;
  ledger_.came_in(put.bytes);
  ledger_.went_out(put.bytes);
  return Step::kMoved;
}

Step BodyTransfer::copy_file(Channel& sink, const FileRange& range, std::size_t most) {
  if (!sink.writable()) return Step::kSinkFull;
  const std::uint64_t offset = range.offset + done_;
  const std::span<char> into(resources_.scratch.get(), std::min(most, resources_.scratch_size));
  os::IoResult got = os::read_resident(range.file->fd(), into, offset);
  if (!got.ok()) {
    if (const Step ready = ensure_resident(range, offset); ready != Step::kMoved) return ready;
    got = os::read_at(range.file->fd(), into, offset);
  }
  if (!got.ok()) {
    error_ = got.error;
    return Step::kSourceFailed;
  }
  if (got.bytes == 0) return Step::kTruncated;
  const bool more = got.bytes < range.length - done_ || !last_piece();
  return send_pending(sink, {into.data(), got.bytes}, more);
}

// One copy, by the kernel, in the same call as the head.
Step BodyTransfer::send_mapped(Channel& sink, const FileRange& range, std::size_t most) {
  if (!sink.writable()) return Step::kSinkFull;
  const std::uint64_t offset = range.offset + done_;
  if (const Step ready = ensure_resident(range, offset); ready != Step::kMoved) return ready;
  const std::string_view bytes = range.file->map(offset, most);
  if (bytes.empty()) {
    refused_ = true;
    if (mapped_ == 0) choice_ = {};
    return Step::kMoved;
  }
  // Behind the end of a file its last page reads as zeros, so what a shorter one still has must not come from memory.
  const std::uint64_t end = offset + bytes.size();
  if (!reaches(*range.file, end)) return copy_file(sink, range, most);
  const std::uint64_t before = done_;
  bool more = bytes.size() < range.length - done_ || !last_piece();
  Step sent = Step::kMoved;
  // A short count is a full sink, of which an edge will come, or memory that is gone, of which none will: the next call
  // tells. It promises nothing, for the edge may come of what it sends.
  while (sent == Step::kMoved && done_ - before < bytes.size()) {
    sent = put_pending(sink, bytes.substr(static_cast<std::size_t>(done_ - before)), more);
    more = false;
  }
  mapped_ += done_ - before;
  if (sent != Step::kSinkFailed || error_ != EFAULT) return sent;
  error_ = EIO;
  return reaches(*range.file, end) ? Step::kSourceFailed : Step::kTruncated;
}

// kMoved: reading the window that holds `offset` will not wait for a disk. kWaiting: a thread is fetching it.
Step BodyTransfer::ensure_resident(const FileRange& range, std::uint64_t offset) {
  if (ticket_.pending()) return Step::kWaiting;
  if (warming_error_ != 0) {
    error_ = warming_error_;
    return Step::kSourceFailed;
  }
  File& file = *range.file;
  const os::Time now = resources_.loop.now();
  if (file.known_resident(offset, now)) return Step::kMoved;
  // All of the window, not only the range's part of it: what is remembered is believed by every other range.
  const std::uint64_t begin = offset / File::kWindow * File::kWindow;
  const std::uint64_t end =
      std::min(begin + File::kWindow, std::max(file.size(), range.offset + range.length));
  if (is_resident(file, begin, end)) {
    file.remember_resident(offset, now);
    return Step::kMoved;
  }
  if (warmed_offset_ == offset + 1)
    return Step::kMoved;  // it was fetched just now: evicted again, or the file system can't tell
  ++cold_waits_;
  warmed_offset_ = offset + 1;
  const auto error = std::make_shared<int>(0);
  const bool queued = resources_.offload.run(
      resources_.loop, ticket_,
      [file = range.file, begin, end, error] { *error = bring_in(*file, begin, end); },
      [this, shared = range.file, offset, error] {
        warming_error_ = *error;
        if (*error == 0) shared->remember_resident(offset, resources_.loop.now());
        ticket_.drop();
        warmed_();
      });
  if (queued) return Step::kWaiting;
  error_ = EAGAIN;
  return Step::kSourceFailed;
}

}  // namespace sluice::relay
