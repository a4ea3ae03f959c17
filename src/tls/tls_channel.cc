// A TLS connection: its life. Records are made in sending.cc and taken apart in receiving.cc.
#include "tls/tls_channel.h"

#include <cerrno>

#include "os/socket.h"
#include "tls/kernel_tls.h"

namespace sluice::tls {

TlsChannel::TlsChannel(relay::Resources& resources, observe::Counters& counters, SslPtr ssl, bool kernel)
    : resources_(resources),
      counters_(counters),
      wire_(socket_, resources.wires),
      ssl_(std::move(ssl)),
      asks_kernel_(kernel) {
  if (!asks_kernel_ || kernel_tls().usable) return;
  asks_kernel_ = false;
  because_ = relay::Reason::kKtlsMissing;
  counters_.ktls_missing.add();
}

TlsChannel::~TlsChannel() { close(relay::Close::kCut); }

bool TlsChannel::attach(os::UniqueFd fd) noexcept {
  SSL* const ssl = ssl_.get();
  BioPtr bio = asks_kernel_ ? kernel_tls_bio(fd.get()) : wire_.make_bio();
  if (ssl == nullptr || bio == nullptr || !socket_.attach(resources_.loop, std::move(fd), *this))
    return false;
  BIO* const both = bio.release();
  SSL_set_bio(ssl, both, both);
  SSL_set_mode(
      ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  SSL_set_msg_callback(ssl, &on_message);
  SSL_set_msg_callback_arg(ssl, this);
  // Keys can be handed to the kernel only where OpenSSL has read nothing beyond the handshake.
  SSL_set_read_ahead(ssl, asks_kernel_ ? 0 : 1);
  if (asks_kernel_) SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
  return true;
}

std::string_view TlsChannel::protocol() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

int TlsChannel::connect_error() noexcept {
  return state_ == State::kHandshaking ? EINPROGRESS : connect_error_;
}

void TlsChannel::close(relay::Close how) noexcept {
  if (!socket_.open()) return;
  if (how == relay::Close::kClean) {
    say_goodbye();
    (void)flush();
  }
  unlink();
  wire_.drop();
  if (how == relay::Close::kReset) os::set_reset_on_close(socket_.fd());
  // A session is no worse for a connection that was cut; OpenSSL would forget it.
  if (read_error_ != EPROTO) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  socket_.close();
}

void TlsChannel::on_socket(loop::Socket&) {
  if (state_ == State::kHandshaking) {
    step_handshake();
    if (state_ != State::kHandshaking) tell_handler();  // may have destroyed this: nothing follows
    return;
  }
  if ((wire_.waiting() != 0 && !linked()) || goodbye_due_) (void)flush();
  if (readable() || writable()) tell_handler();
}

}  // namespace sluice::tls
