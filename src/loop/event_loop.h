// One thread's event loop: libevent's base, a way in for other threads, work for the next turn, deadlines.
//
// Thread   everything but post() belongs to the thread that calls run().
// Errors   the constructor throws std::runtime_error; nothing else does.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/list.h"
#include "loop/deadlines.h"
#include "os/clock.h"
#include "os/unique_fd.h"

struct event;
struct event_base;

namespace sluice::loop {

struct EventFree {
  void operator()(event* e) const noexcept;  // takes it out of the loop first
};
using EventPtr = std::unique_ptr<event, EventFree>;
struct BaseFree {
  void operator()(event_base* b) const noexcept;
};

// Something that wants to go on in the next turn of the loop, after others had theirs. Not run if destroyed
// before.
class Deferred : public ListLink {
 public:
  virtual void run_deferred() = 0;

 protected:
  ~Deferred() = default;
};

// What the kernel reports in one turn is handled in this order.
inline constexpr int kFirst = 0, kUsual = 1, kPriorities = 2;

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop(); returns at once when stop() came first
  void stop();  // from the loop's own thread; elsewhere post([&]{ loop.stop(); })

  // Runs `work` on the loop's thread, soon. Any thread. Work posted after run() returned is dropped.
  void post(std::function<void()> work);

  // Next turn; a second call before then changes nothing.
  void defer(Deferred& work);

  // The time of this turn, good for deadlines and logs. The clock is read at most once a turn, by whoever
  // asks first: libevent 2.1 has no hook between waking and the first callback. Outside run() every call
  // reads it.
  [[nodiscard]] os::Time now() const noexcept {
    if (stale_) {
      now_ = os::now();
      stale_ = !running_;
    }
    return now_;
  }

  [[nodiscard]] Deadlines& deadlines() noexcept { return deadlines_; }
  [[nodiscard]] event_base* base() noexcept { return base_.get(); }

  // Calls `handler` on this loop's thread whenever `signal` arrives. Only one loop of a process may do so.
  void on_signal(int signal, std::function<void()> handler);

  void refresh_time() noexcept { stale_ = true; }  // the next now() reads the clock

 private:
  static void on_wake(int, short, void* self);
  static void on_deferred(int, short, void* self);
  static void on_tick(int, short, void* self);
  void arm_tick();

  std::unique_ptr<event_base, BaseFree> base_;
  mutable os::Time now_;
  mutable bool stale_ = true;
  bool running_ = false;
  bool stopped_ = false;
  Deadlines deadlines_;
  List<Deferred> deferred_;
  os::UniqueFd wake_;
  EventPtr wake_event_, deferred_event_, tick_event_;
  struct Signal {
    EventPtr event;
    std::function<void()> handler;
  };
  std::vector<std::unique_ptr<Signal>> signals_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
};

}  // namespace sluice::loop
