// A plain socket as one end of a relay: every call is one system call, and the kernel paths are open.
//
// Source    recv(2), sendmsg(2), splice(2), sendfile(2).
#pragma once

#include "loop/socket.h"
#include "relay/channel.h"

namespace sluice::relay {

class SocketChannel final : public Channel, private loop::SocketHandler {
 public:
  SocketChannel() noexcept = default;  // not attached
  ~SocketChannel() override = default;

  // See loop::Socket::attach(). Takes the descriptor whatever comes of it.
  [[nodiscard]] bool attach(loop::EventLoop& loop, os::UniqueFd fd) noexcept {
    return socket_.attach(loop, std::move(fd), *this);
  }
  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }

  [[nodiscard]] bool open() const noexcept override { return socket_.open(); }
  [[nodiscard]] int connect_error() noexcept override;
  void close(Close how) noexcept override;
  void set_first(bool first) noexcept override { socket_.set_first(first); }

  [[nodiscard]] SourceKind source_kind() const noexcept override { return SourceKind::kSocket; }
  [[nodiscard]] bool readable() const noexcept override { return socket_.readable(); }
  void clear_readable() noexcept override { socket_.clear_readable(); }
  void mark_readable() noexcept override { socket_.mark_readable(); }
  [[nodiscard]] bool peer_closed() const noexcept override { return socket_.peer_closed(); }
  os::IoResult recv(std::span<char> into) noexcept override;
  os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept override;
  void acknowledge() noexcept override;
  [[nodiscard]] bool was_reset() const noexcept override { return socket_.was_reset(); }
  [[nodiscard]] bool silent() noexcept override;
  [[nodiscard]] bool failed() noexcept override;

  [[nodiscard]] SinkKind sink_kind() const noexcept override { return SinkKind::kPlainSocket; }
  [[nodiscard]] bool writable() const noexcept override { return socket_.writable(); }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override;
  os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept override;
  os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept override;
  os::IoResult finish(std::string_view) noexcept override { return {}; }  // nothing is ever held here
  void shutdown_write() noexcept override;

 private:
  void on_socket(loop::Socket&) override { tell_handler(); }
  os::IoResult after_write(os::IoResult put) noexcept;

  loop::Socket socket_;
};

}  // namespace sluice::relay
