// What the programs of bench/limit share: sockets on the loopback, and epoll(7) behind two calls.
//
// They are reference points: the least that a relay or a file server must do, without what makes it one to be used (no
// HTTP, no time limits, no logs). What can't be had ends the program; what fails on a connection ends the connection.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace limit {

inline int must(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(1);
}

inline sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Small writes leave at once, as in every proxy: else the tail of an answer waits for an ACK.
inline void set_nodelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline int listen_on(const char* port) {
  ::signal(SIGPIPE, SIG_IGN);
  const int fd = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  must(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  must(::listen(fd, SOMAXCONN), "listen");
  return fd;
}

// -1: nobody waits any more.
inline int accept_from(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (fd >= 0) set_nodelay(fd);
  return fd;
}

// -1: refused. The loopback decides at once, so that nobody waits for long.
inline int connect_to(const sockaddr_in& address) {
  const int fd = must(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return ::close(fd), -1;
  must(::fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
  set_nodelay(fd);
  return fd;
}

class Poller {
 public:
  void add(int fd, std::uint32_t events) { control(EPOLL_CTL_ADD, fd, events); }
  void modify(int fd, std::uint32_t events) { control(EPOLL_CTL_MOD, fd, events); }

  // What has happened, each with its descriptor in data.fd; good until the next call.
  std::span<const epoll_event> wait() {
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
    return {events_.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};  // a signal: EINTR
  }

 private:
  void control(int what, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    must(::epoll_ctl(epoll_, what, fd, &event), "epoll_ctl");
  }

  int epoll_ = must(::epoll_create1(0), "epoll_create1");
  std::array<epoll_event, 256> events_;
};

}  // namespace limit
