#include "loop/watch.h"

#include <event2/event.h>

namespace sluice::loop {

Watch::Watch(EventLoop& loop, int fd, std::function<void()> on_readable)
    : on_readable_(std::move(on_readable)),
      event_(::event_new(loop.base(), fd, EV_READ | EV_PERSIST, &on_event, this)) {
  if (event_ == nullptr || ::event_add(event_.get(), nullptr) != 0) {
    throw std::runtime_error("the event loop refused a descriptor");
  }
}

void Watch::pause() noexcept { ::event_del(event_.get()); }
void Watch::resume() noexcept { ::event_add(event_.get(), nullptr); }

void Watch::on_event(int, short, void* self) { static_cast<Watch*>(self)->on_readable_(); }

}  // namespace sluice::loop
