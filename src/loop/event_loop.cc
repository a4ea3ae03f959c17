#include "loop/event_loop.h"

#include <event2/event.h>

#include <algorithm>
#include <stdexcept>

#include "os/wakeup.h"

namespace sluice::loop {

namespace {

struct ConfigFree {
  void operator()(event_config* c) const noexcept { ::event_config_free(c); }
};

event_base* new_base() {
  const std::unique_ptr<event_config, ConfigFree> config(::event_config_new());
  if (config == nullptr) return nullptr;
  // No locks: other threads come in through post() alone. The environment has no say in the backend, and only
  // one that is edge-triggered and reports a peer's FIN (epoll) will do: see loop/socket.h.
  ::event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
  ::event_config_set_flag(config.get(), EVENT_BASE_FLAG_IGNORE_ENV);
  ::event_config_require_features(config.get(), EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
  return ::event_base_new_with_config(config.get());
}

template <typename T>
T* checked(T* made, const char* what) {
  if (made == nullptr) throw std::runtime_error(what);
  return made;
}

timeval to_timeval(std::chrono::microseconds wait) noexcept {
  return {.tv_sec = static_cast<time_t>(wait.count() / 1'000'000),
          .tv_usec = static_cast<suseconds_t>(wait.count() % 1'000'000)};
}

}  // namespace

void EventFree::operator()(event* e) const noexcept { ::event_free(e); }
void BaseFree::operator()(event_base* b) const noexcept { ::event_base_free(b); }

EventLoop::EventLoop()
    : base_(checked(new_base(), "event loop: libevent offers no edge-triggered backend (epoll)")),
      now_(os::now()),
      deadlines_(now_),
      wake_(os::open_wakeup()) {
  if (!wake_.valid()) throw std::runtime_error("event loop: no descriptor left for an eventfd");
  constexpr const char* kNoEvent = "event loop: an event could not be made";
  if (::event_base_priority_init(base_.get(), kPriorities) != 0) throw std::runtime_error(kNoEvent);
  wake_event_.reset(
      checked(::event_new(base_.get(), wake_.get(), EV_READ | EV_PERSIST, &on_wake, this), kNoEvent));
  deferred_event_.reset(checked(::event_new(base_.get(), -1, 0, &on_deferred, this), kNoEvent));
  tick_event_.reset(checked(::event_new(base_.get(), -1, 0, &on_tick, this), kNoEvent));
  if (::event_add(wake_event_.get(), nullptr) != 0) throw std::runtime_error(kNoEvent);
  deadlines_.on_first([this] {
    (void)deadlines_.tick(now());  // empty: this only brings the wheel up to date
    arm_tick();
  });
}

EventLoop::~EventLoop() = default;

void EventLoop::run() {
  running_ = true;
  // One turn at a time, so that the turn's end is seen: there the time grows stale.
  while (!stopped_ && ::event_base_loop(base_.get(), EVLOOP_ONCE) == 0) stale_ = true;
  stale_ = true;
  running_ = false;
  stopped_ = false;
}

void EventLoop::stop() {
  stopped_ = true;
  ::event_base_loopbreak(base_.get());
}

void EventLoop::post(std::function<void()> work) {
  bool first;
  {
    const std::lock_guard lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (first) os::signal_wakeup(wake_.get());
}

void EventLoop::on_wake(int, short, void* self) {
  auto& loop = *static_cast<EventLoop*>(self);
  os::drain_wakeup(loop.wake_.get());  // before taking the work: a later post() then wakes us again
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(loop.posted_mutex_);
    work.swap(loop.posted_);
  }
  for (auto& each : work) each();
}

void EventLoop::defer(Deferred& work) {
  if (work.linked()) return;
  // A timer of no length, not event_active(): libevent would run that in this turn, before asking the kernel
  // again, and work that defers itself could starve every socket.
  if (deferred_.empty()) {
    const timeval at_once{};
    ::event_add(deferred_event_.get(), &at_once);
  }
  deferred_.push_back(work);
}

void EventLoop::on_deferred(int, short, void* self) {
  auto& loop = *static_cast<EventLoop*>(self);
  List<Deferred> now;  // what is deferred from here on waits for the next turn
  now.take_all(loop.deferred_);
  while (Deferred* work = now.pop_front()) work->run_deferred();
}

// Aimed at the wheel's own next tick each time, so that the lag of one wake-up is not carried on to the next.
void EventLoop::arm_tick() {
  const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(deadlines_.next_tick() - now());
  const timeval in = to_timeval(std::max(wait, std::chrono::microseconds(1000)));
  ::event_add(tick_event_.get(), &in);
}

void EventLoop::on_tick(int, short, void* self) {
  auto& loop = *static_cast<EventLoop*>(self);
  if (loop.deadlines_.tick(loop.now())) loop.arm_tick();
}

void EventLoop::on_signal(int signal, std::function<void()> handler) {
  auto entry = std::make_unique<Signal>();
  entry->handler = std::move(handler);
  const auto call = [](int, short, void* s) { static_cast<Signal*>(s)->handler(); };
  entry->event.reset(evsignal_new(base_.get(), signal, call, entry.get()));
  if (entry->event == nullptr || ::event_add(entry->event.get(), nullptr) != 0)
    throw std::runtime_error("event loop: a signal could not be watched");
  signals_.push_back(std::move(entry));
}

}  // namespace sluice::loop
