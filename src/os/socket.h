// TCP sockets: making them, and moving bytes through user memory. Everything is non-blocking and CLOEXEC.
//
// Errors   values, never exceptions: an invalid UniqueFd or an IoResult with errno.
// Source   socket(7), tcp(7), ip(7), accept(2), sendmsg(2).
#pragma once

#include <sys/uio.h>

#include <span>

#include "os/address.h"
#include "os/io_result.h"
#include "os/unique_fd.h"

namespace sluice::os {

struct SocketOr {  // a socket, or why there is none
  UniqueFd fd;
  int error = 0;
};

// A listening socket with SO_REUSEADDR and SO_REUSEPORT, so that each worker owns one on the same address. What it accepts
// inherits TCP_NODELAY (see set_nodelay) and TCP's keep-alive: a peer that went without a word, while nothing is sent, is
// found out in two minutes.
SocketOr listen_tcp(const Address& address, int backlog) noexcept;

// Starts a connection; error 0 means connected or under way (writable when it is decided: see socket_error).
SocketOr connect_tcp(const Address& address) noexcept;

// Takes one waiting client. error EAGAIN: none is waiting. `peer` is filled by the same call (no
// getpeername).
SocketOr accept_tcp(int listener, Address& peer) noexcept;

// Small writes leave at once. Without it the tail of a response waits for the client's delayed ACK.
void set_nodelay(int fd) noexcept;

// What has been read is acknowledged now. Without it the kernel waits up to 40 ms for data of ours to carry the
// acknowledgement (TCP_QUICKACK, tcp(7); for this once).
void acknowledge_now(int fd) noexcept;

// close() will send RST: the only way to show a close-delimited reader that its body was cut.
void set_reset_on_close(int fd) noexcept;

// FIN after what is queued; reading goes on.
void shutdown_write(int fd) noexcept;

// The pending error of a socket (the outcome of a connect); 0 for none.
int socket_error(int fd) noexcept;

// A good part of the send buffer is free (poll(2) says POLLOUT). If not, an edge will say when it is.
bool has_room(int fd) noexcept;

// The address a listening or connected socket is bound to (tests listen on port 0).
Address local_address(int fd) noexcept;

// bytes == 0 means end of stream.
IoResult recv_some(int fd, std::span<char> into) noexcept;

// Looks at what waits without taking it. bytes == 0 means end of stream.
IoResult peek(int fd, std::span<char> into) noexcept;

// Gathers and sends. `more` is a promise that more follows at once (MSG_MORE): the kernel may hold a
// partial segment for it, so it is never set on the last piece.
IoResult send_some(int fd, std::span<const iovec> pieces, bool more) noexcept;

}  // namespace sluice::os
