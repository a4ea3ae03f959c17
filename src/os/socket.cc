#include "os/socket.h"

#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <climits>

#include "os/retry.h"

namespace sluice::os {

SocketOr listen_tcp(const Address& address, int backlog) noexcept {
  SocketOr out{.fd = UniqueFd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  const int on = 1, off = 0, quiet_for = 60, ask_every = 15, asks = 4;
  const int fd = out.fd.get();
  if (fd == -1 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
      ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == -1 ||
      ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &quiet_for, sizeof quiet_for) == -1 ||
      ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &ask_every, sizeof ask_every) == -1 ||
      ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &asks, sizeof asks) == -1 ||
      (address.family() == AF_INET6 && ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == -1) ||
      ::bind(fd, address.raw(), address.length()) == -1 || ::listen(fd, backlog) == -1) {
    out.error = errno;
    out.fd.reset();
  }
  return out;
}

SocketOr connect_tcp(const Address& address) noexcept {
  SocketOr out{.fd = UniqueFd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  if (!out.fd.valid()) {
    out.error = errno;
    return out;
  }
  set_nodelay(out.fd.get());
  // Not repeated on EINTR: the attempt goes on in the kernel, and a second call would say EALREADY.
  if (::connect(out.fd.get(), address.raw(), address.length()) == -1 && errno != EINPROGRESS &&
      errno != EINTR) {
    out.error = errno;
    out.fd.reset();
  }
  return out;
}

SocketOr accept_tcp(int listener, Address& peer) noexcept {
  sockaddr_storage raw;
  socklen_t length = sizeof raw;
  SocketOr out;
  const IoResult result = retry_eintr([&] {
    length = sizeof raw;
    return ::accept4(listener, reinterpret_cast<sockaddr*>(&raw), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (!result.ok()) {
    out.error = result.error;
    return out;
  }
  out.fd.reset(static_cast<int>(result.bytes));
  peer = Address::from(reinterpret_cast<const sockaddr*>(&raw), length);
  return out;
}

void set_nodelay(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void acknowledge_now(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void set_reset_on_close(int fd) noexcept {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void shutdown_write(int fd) noexcept { ::shutdown(fd, SHUT_WR); }

int socket_error(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) return errno;
  return error;
}

bool has_room(int fd) noexcept {
  pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&one, 1, 0) == 1;  // an error is news, too: the next call is told
}

Address local_address(int fd) noexcept {
  sockaddr_storage raw;
  socklen_t length = sizeof raw;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &length) == -1) return {};
  return Address::from(reinterpret_cast<const sockaddr*>(&raw), length);
}

IoResult recv_some(int fd, std::span<char> into) noexcept {
  return retry_eintr([&] { return ::recv(fd, into.data(), into.size(), 0); });
}

IoResult peek(int fd, std::span<char> into) noexcept {
  return retry_eintr([&] { return ::recv(fd, into.data(), into.size(), MSG_PEEK); });
}

IoResult send_some(int fd, std::span<const iovec> pieces, bool more) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg() does not write to it
  message.msg_iovlen = std::min<std::size_t>(pieces.size(), IOV_MAX);
  const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  return retry_eintr([&] { return ::sendmsg(fd, &message, flags); });
}

}  // namespace sluice::os
