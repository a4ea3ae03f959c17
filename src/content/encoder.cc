#include "content/encoder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace sluice::content {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
// Room before the payload for the size line of a chunk as large as a block may be.
constexpr std::size_t kSizeLine = 10;
// So much coded payload is worth a call; less waits for more, or for the end of the turn.
constexpr std::size_t kWorthSending = 16 * 1024;

}  // namespace

// Compresses from the front of `in` into the block until `in` is used up, the flush is complete, or the block is full,
// and framed. An errno.
int Encoder::code(std::string_view& in, Flush flush) {
  if (!block_.holds_block()) {
    if (!block_.acquire(blocks_)) return ENOMEM;
    if (chunked_) block_.filled(kSizeLine);
    payload_ = 0;
  }
  const std::size_t behind = chunked_ ? kLineEnd.size() : 0;
  for (;;) {
    const std::span<char> room = block_.room().first(block_.room().size() - behind);
    // What a compressor ends with is larger than a byte: it asks for some room at once.
    if (room.size() < 16) {
      frame();
      return 0;
    }
    const Progress progress = compressor_->step({in.data(), in.size()}, room, flush);
    if (progress.failed) return ENOMEM;
    dirty_ = dirty_ || progress.taken != 0;
    in.remove_prefix(progress.taken);
    block_.filled(progress.made);
    payload_ += progress.made;
    if (!progress.complete) continue;
    if (flush != Flush::kNone) dirty_ = false, underway_ = Flush::kNone;
    return 0;
  }
}

// The block as a chunk: its size line ends where the payload begins.
void Encoder::frame() {
  if (payload_ == 0) return block_.release();
  framed_ = true;
  if (!chunked_) return;
  std::array<char, kSizeLine> line;
  char* const end = std::to_chars(line.data(), line.data() + line.size() - kLineEnd.size(), payload_, 16).ptr;
  line_ = static_cast<std::size_t>(std::copy(kLineEnd.begin(), kLineEnd.end(), end) - line.data());
  block_.consume(kSizeLine - line_);
  std::copy_n(line.data(), line_, block_.data());
  std::copy(kLineEnd.begin(), kLineEnd.end(), block_.room().data());
  block_.filled(kLineEnd.size());
}

// Sends what waits. ok(): all of it has left.
os::IoResult Encoder::push() {
  while (waits()) {
    if (!inner_.writable()) return {.error = EAGAIN};
    std::array<iovec, 3> pieces;
    std::size_t count = 0;
    const auto add = [&](const char* data, std::size_t size) {
      if (size != 0) pieces[count++] = {.iov_base = const_cast<char*>(data), .iov_len = size};
    };
    add(head_.data(), head_.size());
    if (framed_) add(block_.data(), block_.size());
    add(tail_.data(), tail_.size());
    const os::IoResult put = inner_.send({pieces.data(), count}, false);
    if (!put.ok()) return put;
    written_ += put.bytes;
    std::size_t left = put.bytes;
    const auto spend = [&left](std::size_t size) {
      const std::size_t n = std::min(left, size);
      left -= n;
      return n;
    };
    head_.erase(0, spend(head_.size()));
    if (framed_) {
      const std::size_t n = spend(block_.size()), of_line = std::min(n, line_);
      block_.consume(n);
      line_ -= of_line;
      const std::size_t of_payload = std::min(n - of_line, payload_);
      payload_ -= of_payload;
      delivered_ += of_payload;
      if (block_.empty()) {
        block_.release();
        framed_ = false;
      }
    }
    tail_.erase(0, spend(tail_.size()));
  }
  return {};
}

// Flushes the compressor and sends all of it.
os::IoResult Encoder::complete(Flush flush) {
  underway_ = flush;
  while (underway_ != Flush::kNone) {
    if (framed_)
      if (const os::IoResult put = push(); !put.ok()) return put;
    std::string_view nothing;
    if (const int error = code(nothing, flush); error != 0) return {.error = error};
  }
  return {};
}

os::IoResult Encoder::send(std::span<const iovec> pieces, bool) noexcept {
  if (framed_)
    if (const os::IoResult put = push(); !put.ok()) return put;
  if (underway_ != Flush::kNone)
    if (const os::IoResult put = complete(underway_); !put.ok()) return put;
  std::size_t taken = 0;
  for (const iovec& piece : pieces) {
    std::string_view in(static_cast<const char*>(piece.iov_base), piece.iov_len);
    while (!in.empty()) {
      const std::size_t before = in.size();
      const int error = code(in, Flush::kNone);
      taken += before - in.size();
      // What goes wrong after something was taken is met again by the next call.
      if (error != 0) return taken != 0 ? os::IoResult{.bytes = taken} : os::IoResult{.error = error};
      if (framed_)
        if (const os::IoResult put = push(); !put.ok())
          return taken != 0 ? os::IoResult{.bytes = taken} : put;
    }
  }
  if (payload_ >= kWorthSending && !framed_) {
    frame();
    (void)push();
  }
  return {.bytes = taken};
}

os::IoResult Encoder::rest(bool flush) {
  if (underway_ != Flush::kNone || (flush && dirty_)) {
    if (const os::IoResult put = complete(Flush::kSync); !put.ok()) return put;
  }
  if (block_.holds_block() && !framed_) frame();
  return push();
}

os::IoResult Encoder::finish(std::string_view trailers) noexcept {
  if (!ended_) {
    if (underway_ == Flush::kSync)
      if (const os::IoResult put = complete(Flush::kSync); !put.ok()) return put;
    if (const os::IoResult put = complete(Flush::kEnd); !put.ok()) return put;
    ended_ = true;
    if (block_.holds_block() && !framed_) frame();
    if (chunked_) tail_.append("0\r\n").append(trailers).append(kLineEnd);
  }
  if (const os::IoResult put = push(); !put.ok()) return put;
  return inner_.finish(chunked_ ? std::string_view() : trailers);
}

}  // namespace sluice::content
