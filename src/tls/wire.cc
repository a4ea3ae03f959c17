#include "tls/wire.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/socket.h"

namespace sluice::tls {

BioPtr Wire::make_bio() {
  static const BioMethodPtr kMethod = [] {
    BioMethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice socket"));
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made.get(), &on_read);
    BIO_meth_set_write_ex(made.get(), &on_write);
    BIO_meth_set_ctrl(made.get(), &on_ctrl);
    return made;
  }();
  BioPtr bio(kMethod == nullptr ? nullptr : BIO_new(kMethod.get()));
  if (bio == nullptr) return bio;
  BIO_set_data(bio.get(), this);
  BIO_set_init(bio.get(), 1);
  return bio;
}

int Wire::on_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (wire.stopped_) {
    wire.read_error_ = EPROTO;
    return 0;
  }
  if (!wire.socket_.readable()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const os::IoResult result = os::recv_some(wire.socket_.fd(), {into, size});
  if (result.would_block()) {
    wire.socket_.clear_readable();
    wire.drained_ = true;
    BIO_set_retry_read(bio);
    return 0;
  }
  wire.read_error_ = result.error;
  if (result.error == ECONNRESET) wire.socket_.note_reset();
  if (!result.ok() || result.bytes == 0) return 0;
  wire.drained_ = result.bytes < size;
  *got = result.bytes;
  return 1;
}

std::size_t Wire::room() noexcept {
  if (!out_.acquire(blocks_)) return 0;
  out_.compact();
  return out_.room().size();
}

int Wire::on_write(BIO* bio, const char* from, std::size_t size, std::size_t* put) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *put = 0;
  if (wire.room() < size) (void)wire.flush();  // a failure is met again by whoever flushes next
  const std::size_t n = std::min(size, wire.room());
  if (n == 0) {
    BIO_set_retry_write(bio);
    return 0;
  }
  std::memcpy(wire.out_.room().data(), from, n);
  wire.out_.filled(n);
  *put = n;
  return 1;
}

// Records wait for the owner's flush(), which knows whether more is coming. An end of the stream is not told this way:
// OpenSSL would answer it with an alert.
long Wire::on_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

os::IoResult Wire::flush() noexcept {
  while (!out_.empty()) {
    if (!socket_.writable()) return {.error = EAGAIN};
    const iovec all{.iov_base = out_.data(), .iov_len = out_.size()};
    const os::IoResult put = os::send_some(socket_.fd(), {&all, 1}, false);
    if (put.would_block()) socket_.clear_writable();
    if (put.error == ECONNRESET) socket_.note_reset();
    if (!put.ok()) return put;
    if (put.bytes < out_.size())
      socket_.clear_writable();  // the buffer is full: an edge will say when it is not
    out_.consume(put.bytes);
  }
  out_.release();
  return {};
}

}  // namespace sluice::tls
