// A TLS channel's receiving side.
#include <cerrno>

#include "os/kernel_paths.h"
#include "os/socket.h"
#include "tls/tls_channel.h"

namespace sluice::tls {

namespace {
// A record that is no TLS, or that the kernel could not decrypt: it says so in its own words. tls.rst.
constexpr int as_protocol_error(int error) noexcept {
  return error == EBADMSG || error == EIO ? EPROTO : error;
}
}  // namespace

relay::SourceKind TlsChannel::source_kind() const noexcept {
  if (state_ == State::kPlainHttp) return relay::SourceKind::kSocket;
  const bool by_kernel = kernel_receives_ && !ended_ && read_error_ == 0 && SSL_has_pending(ssl_.get()) == 0;
  return by_kernel ? relay::SourceKind::kSocket : relay::SourceKind::kUserTls;
}

bool TlsChannel::readable() const noexcept {
  if (state_ == State::kPlainHttp) return socket_.readable();
  if (state_ != State::kReady) return false;
  if (ended_ || read_error_ != 0) return true;
  if (read_waits_) return false;
  return socket_.readable() || (!drawn_ && SSL_has_pending(ssl_.get()) != 0);
}

// What OpenSSL still holds stays readable.
void TlsChannel::clear_readable() noexcept {
  const bool sure = state_ == State::kReady && !kernel_receives_ && wire_.drained();
  if (sure || state_ == State::kPlainHttp) socket_.clear_readable();
}

os::IoResult TlsChannel::recv(std::span<char> into) noexcept {
  if (state_ == State::kPlainHttp) {
    const os::IoResult got = os::recv_some(socket_.fd(), into);
    if (got.would_block()) socket_.clear_readable();
    return got;
  }
  if (state_ != State::kReady) return {.error = EAGAIN};
  const os::IoResult got = read_records(into);
  if (wire_.waiting() != 0 && !linked()) (void)flush();  // OpenSSL may have had to say something: an alert
  return got;
}

os::IoResult TlsChannel::read_records(std::span<char> into) noexcept {
  if (ended_) return {};
  std::size_t total = 0;
  read_waits_ = false;
  while (total < into.size() && read_error_ == 0) {
    ERR_clear_error();
    errno = 0;
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &n);
    if (result == 1) {
      total += n;
      drawn_ = SSL_has_pending(ssl_.get()) == 0;
      // Where the kernel decrypts, what comes next may go by without us.
      if (drawn_ && (kernel_receives_ || wire_.drained())) break;
      continue;
    }
    const os::IoResult failed = read_failed(SSL_get_error(ssl_.get(), result));
    return total != 0 ? os::IoResult{.bytes = total} : failed;
  }
  return total != 0 ? os::IoResult{.bytes = total} : os::IoResult{.error = read_error_};
}

// What a read that brought nothing means. ok(): the end of the stream.
os::IoResult TlsChannel::read_failed(int why) noexcept {
  const int error = errno;
  switch (why) {
    case SSL_ERROR_WANT_READ:
      drawn_ = true;
      if (kernel_receives_) socket_.clear_readable();
      return {.error = read_error_ != 0 ? read_error_ : EAGAIN};
    case SSL_ERROR_WANT_WRITE:
      read_waits_ = true;
      return {.error = EAGAIN};
    case SSL_ERROR_ZERO_RETURN:
      if (heard_goodbye_) {
        ended_ = true;
        return {};
      }
      read_error_ = ECONNRESET;  // a bare FIN: see handshake_done()
      break;
    case SSL_ERROR_SYSCALL:
      read_error_ = as_protocol_error(kernel_receives_ ? error : wire_.read_error());
      if (read_error_ == 0) read_error_ = ECONNRESET;
      break;
    default:
      read_error_ =
          ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? ECONNRESET : EPROTO;
      break;
  }
  if (read_error_ == EPROTO) {  // OpenSSL has said why, and nothing may follow that
    write_error_ = EPIPE;
    shut_ = true;
  }
  ERR_clear_error();
  return {.error = read_error_};
}

// Deals with records that are no data, up to one that is: ok() with 1 byte where one waits, else as recv().
os::IoResult TlsChannel::look_ahead() noexcept {
  if (ended_) return {};
  if (read_error_ != 0) return {.error = read_error_};
  ERR_clear_error();
  errno = 0;
  char byte;
  std::size_t n = 0;
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
  drawn_ = drawn_ && result != 1;
  const os::IoResult seen =
      result == 1 ? os::IoResult{.bytes = 1} : read_failed(SSL_get_error(ssl_.get(), result));
  if (wire_.waiting() != 0 && !linked()) (void)flush();
  return seen;
}

os::IoResult TlsChannel::splice_to(os::Pipe& pipe, std::size_t most) noexcept {
  os::IoResult got = os::splice_in(socket_.fd(), pipe, most);
  if (got.would_block()) socket_.clear_readable();
  if (got.ok() && got.bytes != 0) pipe.added(got.bytes);
  if (state_ == State::kPlainHttp || (got.ok() && got.bytes != 0) || got.would_block()) return got;
  if (got.error == EINVAL) {  // the next record is no data, or the first behind some that are none
    got = look_ahead();
    return got.bytes != 0 ? os::IoResult{.error = EINVAL} : got;
  }
  read_error_ = got.ok() ? ECONNRESET : as_protocol_error(got.error);
  return {.error = read_error_};
}

bool TlsChannel::silent() noexcept {
  if (state_ != State::kReady || socket_.peer_closed() || !socket_.open()) return false;
  socket_.mark_readable();  // so that the kernel is really asked
  return look_ahead().would_block();
}

bool TlsChannel::failed() noexcept {
  if (write_error_ != 0 || read_error_ == EPROTO || socket_.was_reset()) return true;
  if (!socket_.readable()) return false;
  char byte;
  const os::IoResult seen = os::peek(socket_.fd(), {&byte, 1});
  if (seen.would_block()) socket_.clear_readable();
  // Behind a FIN there may be a reset, which reads no longer tell of.
  if (seen.ok() && seen.bytes == 0) return os::socket_error(socket_.fd()) != 0;
  return !seen.ok() && !seen.would_block();
}

// OpenSSL tells of each message; the end and a change of keys are of interest here.
void TlsChannel::on_message(int sent, int, int type, const void* bytes, std::size_t size, SSL*, void* self) {
  const auto* message = static_cast<const unsigned char*>(bytes);
  constexpr std::size_t kKeyUpdateSize = 5;  // a handshake header and one byte: RFC 8446 section 4.6.3
  auto& channel = *static_cast<TlsChannel*>(self);
  if (sent != 0) return;
  if (type == SSL3_RT_ALERT && size == 2 && message[1] == SSL3_AD_CLOSE_NOTIFY) channel.heard_goodbye_ = true;
  if (type == SSL3_RT_HANDSHAKE && size >= kKeyUpdateSize && message[0] == SSL3_MT_KEY_UPDATE)
    channel.on_key_update(message[kKeyUpdateSize - 1] != 0);
}

void TlsChannel::on_key_update(bool ours_too) noexcept {
  counters_.tls_key_updates.add();
  const os::Time now = resources_.loop.now();
  if (now - key_updates_since_ > std::chrono::seconds(1)) {
    key_updates_since_ = now;
    key_updates_ = 0;
  }
  const bool storm = ++key_updates_ > kKeyUpdates;
  const bool revoked = ours_too && kernel_sends_;  // see kernel_tls.h
  if (revoked) counters_.ktls_revoked.add();
  if (!storm && !revoked) return;
  // Nothing is sent any more but the close_notify of an orderly end.
  read_error_ = storm ? EPROTO : ECONNRESET;
  write_error_ = EPIPE;
  wire_.stop();
}

}  // namespace sluice::tls
