// A TLS channel's handshake.
#include <cerrno>

#include "os/socket.h"
#include "tls/kernel_tls.h"
#include "tls/tls_channel.h"

namespace sluice::tls {

void TlsChannel::step_handshake() {
  if (!connected_) {
    if (!socket_.writable()) return;
    connect_error_ = SSL_is_server(ssl_.get()) != 0 ? 0 : os::socket_error(socket_.fd());
    if (connect_error_ != 0) {
      state_ = State::kFailed;
      return;
    }
    connected_ = true;
  }
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) connect_error_ = errno;
  const int why = SSL_get_error(ssl_.get(), result);
  const os::IoResult sent = wire_.flush();
  if (result == 1) return handshake_done();
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    connect_error_ = 0;
    if (!sent.ok() && !sent.would_block()) {
      connect_error_ = sent.error;
      state_ = State::kFailed;
    }
    // The kernel's own BIO has met an EAGAIN; ours keeps the socket's flags itself.
    if (asks_kernel_ && why == SSL_ERROR_WANT_READ) socket_.clear_readable();
    if (asks_kernel_ && why == SSL_ERROR_WANT_WRITE) socket_.clear_writable();
    return;
  }
  handshake_failed(why);
}

void TlsChannel::handshake_failed(int why) {
  state_ = State::kFailed;
  shut_ = true;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const bool ended = why == SSL_ERROR_SYSCALL || why == SSL_ERROR_ZERO_RETURN ||
                     reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (ended) {
    if (!asks_kernel_) connect_error_ = wire_.read_error();
    if (connect_error_ == 0) connect_error_ = ECONNRESET;
  } else if (SSL_is_server(ssl_.get()) != 0 &&
             (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST)) {
    connect_error_ = 0;
    state_ = State::kPlainHttp;
  } else {
    connect_error_ = EPROTO;
    failure_ = last_error();
    if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK)
      failure_.append(": ").append(X509_verify_cert_error_string(verdict));
  }
  ERR_clear_error();
}

void TlsChannel::handshake_done() {
  state_ = State::kReady;
  connect_error_ = 0;
  drawn_ = false;  // records may have come along with the end of the handshake
  if (!asks_kernel_) return;
  const Moved moved = moved_into_kernel(ssl_.get());
  kernel_sends_ = moved.sending;
  kernel_receives_ = moved.receiving;
  leave_kernel_bio(!moved.receiving, !moved.sending);
  if (moved.receiving) {
    counters_.ktls_receiving.add();
    // With the kernel's BIO, OpenSSL answers a bare FIN with an alert; this way it says nothing, and we know the
    // difference ourselves.
    SSL_set_options(ssl_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
  if (moved.sending) {
    counters_.ktls_sending.add();
    because_ = relay::Reason::kKtlsMissing;  // of the receiving side: OpenSSL 3.0 moves it for TLS 1.2 alone
    return;
  }
  because_ = why_not_moved(ssl_.get());
  (because_ == relay::Reason::kKtlsCipher ? counters_.ktls_cipher : counters_.ktls_refused).add();
}

// What stays with OpenSSL goes on over the wire, as if the kernel had never been asked.
void TlsChannel::leave_kernel_bio(bool reading, bool writing) {
  if (reading) {
    SSL_set0_rbio(ssl_.get(), wire_.make_bio().release());
    SSL_set_read_ahead(ssl_.get(), 1);
  }
  if (writing) SSL_set0_wbio(ssl_.get(), wire_.make_bio().release());
}

}  // namespace sluice::tls
