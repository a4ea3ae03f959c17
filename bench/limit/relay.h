// What both relays of bench/limit are: whoever connects is connected to the origin, once, and bytes go both ways until
// either side ends. How a direction moves its bytes is the parameter, and the whole difference:
//
//   Progress Direction::move(int from, int to)   takes once from `from` and gives to `to` what that brought
//
// Readiness is level-triggered: the next wait asks again whether more is there, where edges would make each answer cost one
// more call that finds nothing (EAGAIN). Only a reader that lags behind costs epoll_ctl, to look at the writer no more.
// No half-close: the end of one side is the end of both, once what it sent has left.
#pragma once

#include <memory>
#include <vector>

#include "sockets.h"

namespace limit {

enum class Progress {
  kWaiting,  // for `from` to have more
  kBlocked,  // for `to` to have room for what is held
  kOver,     // the end, or an error
};

template <typename Direction>
class Relay {
 public:
  [[noreturn]] void run(const char* port, const char* origin_port) {
    const int listener = listen_on(port);
    const sockaddr_in origin = loopback(origin_port);
    poller_.add(listener, EPOLLIN);
    for (;;) {
      for (const epoll_event& event : poller_.wait()) {
        if (event.data.fd == listener) {
          for (int client; (client = accept_from(listener)) >= 0;) join(client, connect_to(origin));
        } else if (End* const end = ends_[event.data.fd].get()) {
          serve(event.data.fd, *end, event.events);
        }
      }
    }
  }

 private:
  struct End {
    explicit End(int other) : peer(other) {}
    int peer;
    Direction to_peer;
    bool blocked = false;  // to_peer holds what the peer had no room for
  };

  void join(int client, int server) {
    if (server < 0) return void(::close(client));
    ends_.resize(std::max<std::size_t>(ends_.size(), 1 + std::max(client, server)));
    ends_[client] = std::make_unique<End>(server);
    ends_[server] = std::make_unique<End>(client);
    poller_.add(client, EPOLLIN);
    poller_.add(server, EPOLLIN);
  }

  void serve(int fd, End& end, std::uint32_t events) {
    End& peer = *ends_[end.peer];
    if ((events & EPOLLERR) != 0) return close(fd, end.peer);
    if (peer.blocked && (events & EPOLLOUT) != 0 && !advance(end.peer, peer)) return close(fd, end.peer);
    if (!end.blocked && (events & (EPOLLIN | EPOLLHUP)) != 0 && !advance(fd, end)) return close(fd, end.peer);
  }

  bool advance(int fd, End& end) {
    const Progress progress = end.to_peer.move(fd, end.peer);
    if (progress == Progress::kOver) return false;
    if (const bool blocked = progress == Progress::kBlocked; blocked != end.blocked) {
      end.blocked = blocked;
      watch(fd);
      watch(end.peer);
    }
    return true;
  }

  void watch(int fd) {
    const End& end = *ends_[fd];
    poller_.modify(fd, (end.blocked ? 0U : EPOLLIN) | (ends_[end.peer]->blocked ? EPOLLOUT : 0U));
  }

  void close(int one, int other) {
    for (const int fd : {one, other}) {
      ends_[fd].reset();
      ::close(fd);
    }
  }

  Poller poller_;
  std::vector<std::unique_ptr<End>> ends_;  // by descriptor
};

template <typename Direction>
int run_relay(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "%s PORT ORIGIN_PORT\n", words[0]);
    return 2;
  }
  Relay<Direction>().run(words[1], words[2]);
}

}  // namespace limit
