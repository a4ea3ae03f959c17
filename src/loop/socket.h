// A connected socket, registered once, edge-triggered, that remembers what the kernel last said.
//
// The kernel reports a change once, so what it said is kept until a call proves it outdated. A reader goes on
// while readable(), and calls clear_readable() when a read came back EAGAIN; likewise a writer.
// A count shorter than asked for may be taken for EAGAIN too, which saves the call that says so, with one
// hole: data and an RST that arrive together are one edge, which libevent reports as plain readable and
// writable (it drops EPOLLRDHUP beside EPOLLERR). The reader sees a short count and no edge follows. So a
// short count will do where a write comes next, which meets the RST; a reader with nothing but more reading
// ahead goes on to EAGAIN.
//
// Edges that nobody waits for cost a wake-up each: while a body's sink is full, every segment that reaches its source
// is one. A socket that hears of more to read, again and again, while what it has is not being read, stops listening
// for that, and listens again when a reader has come to the end. A FIN or RST is heard all the same.
// Thread    the loop's.
// Memory    an idle connection is mostly this object: see the size check below.
// Source    epoll(7), "Level-triggered and edge-triggered".
#pragma once

#include <event2/event_struct.h>

#include <cstdint>

#include "loop/event_loop.h"
#include "os/unique_fd.h"

namespace sluice::loop {

class Socket;

class SocketHandler {
 public:
  // Something changed: ask the socket what. May close or destroy the socket.
  virtual void on_socket(Socket& socket) = 0;

 protected:
  ~SocketHandler() = default;
};

class Socket {
 public:
  Socket() noexcept = default;  // not attached
  ~Socket() { close(); }
  Socket(const Socket&) = delete;  // the loop knows its address
  Socket& operator=(const Socket&) = delete;

  // Takes the descriptor whatever comes of it. false: it could not be registered (ENOMEM, ENOSPC) and is
  // closed. All flags begin false; a socket that is ready already is reported in the loop's next turn.
  [[nodiscard]] bool attach(EventLoop& loop, os::UniqueFd fd, SocketHandler& handler) noexcept;
  // E.g. when a pooled upstream connection changes hands. The flags stay as they are.
  void set_handler(SocketHandler& handler) noexcept { handler_ = &handler; }
  // The event leaves the loop first, then the descriptor closes: its number may be another's at once.
  void close() noexcept;

  [[nodiscard]] bool open() const noexcept { return fd_.valid(); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] bool readable() const noexcept { return readable_; }
  [[nodiscard]] bool writable() const noexcept { return writable_; }
  // A FIN or RST waits behind the data. Stays true until close().
  [[nodiscard]] bool peer_closed() const noexcept { return peer_closed_; }

  // No effect once peer_closed(): a FIN that came together with data gives no further edge, so the reader
  // must go on until it reads 0.
  void clear_readable() noexcept {
    readable_ = peer_closed_;
    needless_ = 0;
    if (deaf_) listen(true);
  }
  void clear_writable() noexcept { writable_ = false; }
  // A reset is told once, to whichever call comes first; reads then say 0, as if the peer had finished. Whoever was
  // told while writing leaves word for the reader. (EPIPE is no such word: there a FIN came first.)
  void note_reset() noexcept { was_reset_ = true; }
  [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }
  void mark_readable() noexcept { readable_ = true; }  // a read is worth trying without word from the kernel

  // Its next events come before all other sockets' of the same turn. No effect on an event that is due already.
  void set_first(bool first) noexcept;

 private:
  static constexpr std::uint8_t kMostNeedless = 2;
  static void on_event(int, short what, void* self);
  // Should the kernel refuse (ENOMEM), no event follows, and the wait for it runs into its timeout.
  void listen(bool to_reads) noexcept;

  event event_;  // initialised while fd_ is valid
  SocketHandler* handler_ = nullptr;
  os::UniqueFd fd_;
  bool readable_ = false;
  bool writable_ = false;
  bool peer_closed_ = false;
  bool was_reset_ = false;
  bool deaf_ = false;          // to what there is to read
  std::uint8_t needless_ = 0;  // edges since readable_ was true already
};
static_assert(sizeof(Socket) <= 176);

}  // namespace sluice::loop
