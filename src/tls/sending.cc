// A TLS channel's sending side.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/kernel_paths.h"
#include "os/socket.h"
#include "tls/tls_channel.h"

namespace sluice::tls {

namespace {

// What a record costs beyond its payload, and what OpenSSL may put before it (an answer to a KeyUpdate); more than
// any cipher takes.
constexpr std::size_t kOverhead = 512;

// The gather list as a stream: OpenSSL wants each record's payload in one piece.
class Gathered {
 public:
  explicit Gathered(std::span<const iovec> pieces) noexcept : pieces_(pieces) { skip_empty(); }
  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }

  // At most `most` bytes from the front: where they stand, if one piece holds them, else copied into `copy`.
  std::span<const char> front(std::size_t most, std::span<char> copy) const noexcept {
    const std::span<const char> first = rest_of(0, used_);
    if (first.size() >= most || pieces_.size() == 1) return first.first(std::min(first.size(), most));
    std::size_t n = 0;
    for (std::size_t i = 0; i < pieces_.size() && n < most; ++i) {
      const std::span<const char> piece = rest_of(i, i == 0 ? used_ : 0);
      const std::size_t part = std::min(piece.size(), most - n);
      std::memcpy(copy.data() + n, piece.data(), part);
      n += part;
    }
    return {copy.data(), n};
  }
  void consume(std::size_t n) noexcept {
    while (n != 0) {
      const std::size_t part = std::min(n, rest_of(0, used_).size());
      used_ += part;
      n -= part;
      skip_empty();
    }
  }

 private:
  [[nodiscard]] std::span<const char> rest_of(std::size_t piece, std::size_t used) const noexcept {
    return std::span(static_cast<const char*>(pieces_[piece].iov_base), pieces_[piece].iov_len).subspan(used);
  }
  void skip_empty() noexcept {
    while (!pieces_.empty() && rest_of(0, used_).empty()) {
      pieces_ = pieces_.subspan(1);
      used_ = 0;
    }
  }

  std::span<const iovec> pieces_;
  std::size_t used_ = 0;  // of the first
};

}  // namespace

relay::SinkKind TlsChannel::sink_kind() const noexcept {
  if (state_ == State::kPlainHttp) return relay::SinkKind::kPlainSocket;
  return kernel_sends_ ? relay::SinkKind::kKernelTls : relay::SinkKind::kUserTls;
}

bool TlsChannel::writable() const noexcept {
  if (state_ == State::kHandshaking || state_ == State::kFailed) return false;
  return socket_.writable() || write_error_ != 0;
}

os::IoResult TlsChannel::after_write(os::IoResult put) noexcept {
  if (put.would_block()) socket_.clear_writable();
  if (put.error == ECONNRESET) socket_.note_reset();
  if (put.error == EBADMSG) put.error = EPROTO;
  return put;
}

os::IoResult TlsChannel::send(std::span<const iovec> pieces, bool more) noexcept {
  if (state_ == State::kHandshaking || state_ == State::kFailed) return {.error = EAGAIN};
  if (write_error_ != 0) return {.error = write_error_};
  if (sink_kind() == relay::SinkKind::kUserTls)
    return shut_ ? os::IoResult{.error = EPIPE} : send_records(pieces, more);
  const os::IoResult put = after_write(os::send_some(socket_.fd(), pieces, more));
  if (!put.ok()) return put;
  std::size_t total = 0;
  for (const iovec& piece : pieces) total += piece.iov_len;
  if (put.bytes < total) socket_.clear_writable();  // the buffer is full: an edge will say when it is not
  return put;
}

os::IoResult TlsChannel::send_records(std::span<const iovec> pieces, bool more) noexcept {
  const bool gathering = linked();  // what waits was promised company: here it is
  if (!gathering) {
    if (const os::IoResult put = flush(); !put.ok()) return put;
  }
  Gathered left(pieces);
  std::size_t untaken = 0;
  for (const iovec& piece : pieces) untaken += piece.iov_len;
  std::array<char, RecordSize::kFull> copy;
  const os::Time now = resources_.loop.now();
  std::size_t taken = 0;
  while (!left.empty()) {
    const std::size_t size = std::min({untaken, records_.next(now), wire_.capacity() - kOverhead});
    if (wire_.room() < size + kOverhead) {
      if (const os::IoResult put = flush(); put.would_block()) break;
      if (write_error_ != 0) return {.error = write_error_};
      if (wire_.room() == 0) return {.error = ENOMEM};
    }
    const std::span<const char> record = left.front(size, copy);
    ERR_clear_error();
    std::size_t n = 0;
    if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &n) != 1) {
      ERR_clear_error();
      write_error_ = EPROTO;
      shut_ = true;
      return {.error = EPROTO};
    }
    left.consume(n);
    taken += n;
    untaken -= n;
    records_.sent(n, now);
  }
  if (more && left.empty()) {
    resources_.loop.defer(*this);  // should the promise not be kept
  } else {
    (void)flush();
  }
  if (write_error_ != 0) return {.error = write_error_};
  return taken != 0 ? os::IoResult{.bytes = taken} : os::IoResult{.error = EAGAIN};
}

// What has waited for company or for room leaves, and behind the last of it the FIN.
os::IoResult TlsChannel::flush() noexcept {
  unlink();
  os::IoResult put = wire_.flush();
  if (!put.ok() && !put.would_block()) {
    write_error_ = put.error;
    wire_.drop();
  }
  if (!put.ok()) return put;
  read_waits_ = false;
  if (goodbye_due_) push_goodbye();
  if (goodbye_due_) return {.error = EAGAIN};
  if (std::exchange(fin_due_, false)) os::shutdown_write(socket_.fd());
  return put;
}

os::IoResult TlsChannel::splice_from(os::Pipe& pipe, std::size_t most) noexcept {
  if (write_error_ != 0) return {.error = write_error_};
  // Never SPLICE_F_MORE: see relay::SocketChannel.
  os::IoResult put = os::splice_out(pipe, socket_.fd(), most, false);
  if (put.ok() && put.bytes == 0) put.error = EAGAIN;
  if (put.ok()) pipe.removed(put.bytes);
  if (put.error == EIO) put.error = EPROTO;
  return after_write(put);
}

os::IoResult TlsChannel::send_file(int file, std::uint64_t offset, std::size_t most) noexcept {
  if (write_error_ != 0) return {.error = write_error_};
  os::IoResult put = os::send_file(socket_.fd(), file, offset, most);
  // The disk's failure or the connection's? The socket knows of its own.
  if (put.error == EIO && os::socket_error(socket_.fd()) != 0) put.error = EPROTO;
  return after_write(put);
}

// A record for which TCP had no room waits above it, though sendmsg(2) and its kin have taken it. A FIN would overtake
// it, and close(2) throws it away. Where there is room again the close_notify pushes it on.
bool TlsChannel::kernel_holds_records() noexcept {
  if (!kernel_sends_ || os::has_room(socket_.fd())) return false;
  socket_.clear_writable();
  return true;
}

os::IoResult TlsChannel::finish(std::string_view) noexcept {
  const os::IoResult put = flush();
  if (write_error_ != 0) return {.error = write_error_};
  return put.ok() && kernel_holds_records() ? os::IoResult{.error = EAGAIN} : put;
}

bool TlsChannel::flushed() noexcept {
  (void)flush();
  return write_error_ != 0 || (wire_.waiting() == 0 && !kernel_holds_records());
}

// close_notify, where it may still be said.
void TlsChannel::say_goodbye() noexcept {
  if (std::exchange(shut_, true) || state_ != State::kReady) return;
  push_goodbye();
}

// Over the wire there is always room for it; a socket in kernel TLS may have none.
void TlsChannel::push_goodbye() noexcept {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  goodbye_due_ = result < 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  if (goodbye_due_) socket_.clear_writable();
  ERR_clear_error();
}

void TlsChannel::shutdown_write() noexcept {
  say_goodbye();
  fin_due_ = true;
  (void)flush();
}

}  // namespace sluice::tls
