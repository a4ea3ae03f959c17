#include "loop/socket.h"

#include <event2/event.h>

namespace sluice::loop {

static_assert(kUsual == kPriorities / 2);  // what an event has that nobody asked

bool Socket::attach(EventLoop& loop, os::UniqueFd fd, SocketHandler& handler) noexcept {
  close();
  constexpr short kAll = EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET;
  if (!fd.valid() || ::event_assign(&event_, loop.base(), fd.get(), kAll, &on_event, this) != 0 ||
      ::event_add(&event_, nullptr) != 0)
    return false;
  fd_ = std::move(fd);
  handler_ = &handler;
  return true;
}

void Socket::close() noexcept {
  if (!fd_.valid()) return;
  ::event_del(&event_);
  fd_.reset();
  readable_ = writable_ = peer_closed_ = was_reset_ = false;
}

void Socket::set_first(bool first) noexcept { (void)::event_priority_set(&event_, first ? kFirst : kUsual); }

void Socket::on_event(int, short what, void* self) {
  auto& socket = *static_cast<Socket*>(self);
  if ((what & EV_CLOSED) != 0) socket.peer_closed_ = true;
  if ((what & (EV_READ | EV_CLOSED)) != 0) socket.readable_ = true;
  if ((what & EV_WRITE) != 0) socket.writable_ = true;
  socket.handler_->on_socket(socket);  // may have destroyed it: nothing follows
}

}  // namespace sluice::loop
