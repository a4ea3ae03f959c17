// Tells when a descriptor is readable, level-triggered: what one call leaves waiting is reported again. For listening
// sockets; connected ones use loop/socket.h.
#pragma once

#include <functional>
#include <stdexcept>

#include "loop/event_loop.h"

namespace sluice::loop {

class Watch {
 public:
  // Borrows `fd`, which outlives the watch. Throws std::runtime_error when the loop refuses it.
  Watch(EventLoop& loop, int fd, std::function<void()> on_readable);

  void pause() noexcept;  // hears nothing until resume()
  void resume() noexcept;

 private:
  static void on_event(int, short, void* self);
  const std::function<void()> on_readable_;
  EventPtr event_;
};

}  // namespace sluice::loop
