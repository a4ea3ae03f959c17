#include "loop/socket.h"

#include <event2/event.h>

namespace sluice::loop {

static_assert(kUsual == kPriorities / 2);  // what an event has that nobody asked

namespace {
constexpr short kAll = EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET;
}

bool Socket::attach(EventLoop& loop, os::UniqueFd fd, SocketHandler& handler) noexcept {
  close();
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
  readable_ = writable_ = peer_closed_ = was_reset_ = deaf_ = false;
  needless_ = 0;
}

void Socket::listen(bool to_reads) noexcept {
  const int priority = ::event_get_priority(&event_);
  ::event_del(&event_);
  (void)::event_assign(&event_, event_.ev_base, fd_.get(),
                       to_reads ? kAll : static_cast<short>(kAll & ~EV_READ), &on_event, this);
  (void)::event_priority_set(&event_, priority);
  (void)::event_add(&event_, nullptr);  // says anew what is so already: nothing that came meanwhile is lost
  deaf_ = !to_reads;
}

void Socket::set_first(bool first) noexcept { (void)::event_priority_set(&event_, first ? kFirst : kUsual); }

void Socket::on_event(int, short what, void* self) {
  auto& socket = *static_cast<Socket*>(self);
  if ((what & EV_CLOSED) != 0) socket.peer_closed_ = true;
  if ((what & EV_READ) != 0 && socket.readable_ && !socket.deaf_ && ++socket.needless_ == kMostNeedless)
    socket.listen(false);
  if ((what & (EV_READ | EV_CLOSED)) != 0) socket.readable_ = true;
  if ((what & EV_WRITE) != 0) socket.writable_ = true;
  socket.handler_->on_socket(socket);  // may have destroyed it: nothing follows
}

}  // namespace sluice::loop
