#include "relay/socket_channel.h"

#include <cerrno>

#include "os/kernel_paths.h"
#include "os/socket.h"

namespace sluice::relay {

int SocketChannel::connect_error() noexcept {
  return socket_.writable() ? os::socket_error(socket_.fd()) : EINPROGRESS;
}

void SocketChannel::close(Close how) noexcept {
  if (!socket_.open()) return;
  if (how == Close::kReset) os::set_reset_on_close(socket_.fd());
  socket_.close();
}

os::IoResult SocketChannel::recv(std::span<char> into) noexcept {
  const os::IoResult got = os::recv_some(socket_.fd(), into);
  if (got.would_block()) socket_.clear_readable();
  return got;
}

os::IoResult SocketChannel::splice_to(os::Pipe& pipe, std::size_t most) noexcept {
  const os::IoResult got = os::splice_in(socket_.fd(), pipe, most);
  if (got.would_block()) socket_.clear_readable();
  if (got.ok()) pipe.added(got.bytes);
  return got;
}

void SocketChannel::acknowledge() noexcept { os::acknowledge_now(socket_.fd()); }

bool SocketChannel::silent() noexcept {
  if (!socket_.open() || socket_.peer_closed()) return false;
  char byte;
  if (!os::peek(socket_.fd(), {&byte, 1}).would_block()) return false;
  socket_.clear_readable();
  return true;
}

bool SocketChannel::failed() noexcept {
  if (!socket_.readable()) return false;
  char byte;
  const os::IoResult seen = os::peek(socket_.fd(), {&byte, 1});
  if (seen.would_block()) socket_.clear_readable();
  // Behind a FIN there may be a reset, which reads no longer tell of.
  if (seen.ok() && seen.bytes == 0) return os::socket_error(socket_.fd()) != 0;
  return !seen.ok() && !seen.would_block();
}

os::IoResult SocketChannel::after_write(os::IoResult put) noexcept {
  if (put.would_block()) socket_.clear_writable();
  if (put.error == ECONNRESET) socket_.note_reset();
  return put;
}

os::IoResult SocketChannel::send(std::span<const iovec> pieces, bool more) noexcept {
  const os::IoResult put = after_write(os::send_some(socket_.fd(), pieces, more));
  if (!put.ok()) return put;
  std::size_t total = 0;
  for (const iovec& piece : pieces) total += piece.iov_len;
  if (put.bytes < total) socket_.clear_writable();  // the buffer is full: an edge will say when it is not
  return put;
}

os::IoResult SocketChannel::splice_from(os::Pipe& pipe, std::size_t most) noexcept {
  // Never SPLICE_F_MORE: whether more follows at once is the source's affair, and a held tail costs 200 ms.
  os::IoResult put = os::splice_out(pipe, socket_.fd(), most, false);
  if (put.ok() && put.bytes == 0) put.error = EAGAIN;
  if (put.ok()) pipe.removed(put.bytes);
  return after_write(put);
}

// A short count without EAGAIN is no sign of a full sink (Linux 4.3 and later): the next call tells.
os::IoResult SocketChannel::send_file(int file, std::uint64_t offset, std::size_t most) noexcept {
  return after_write(os::send_file(socket_.fd(), file, offset, most));
}

void SocketChannel::shutdown_write() noexcept { os::shutdown_write(socket_.fd()); }

}  // namespace sluice::relay
