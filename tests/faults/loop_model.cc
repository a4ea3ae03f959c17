// The event loop, without libevent: one run() is one turn, and what happens in it is the machine's.
//
// Defines all of loop/event_loop.cc, socket.cc, watch.cc and offload.cc, and os/clock.cc: the linker then leaves
// those out of the archive. A function missing here would bring its whole file in, and clash.
#include <event2/event.h>

#include <algorithm>
#include <map>

#include "loop/event_loop.h"
#include "loop/offload.h"
#include "loop/socket.h"
#include "loop/watch.h"
#include "machine.h"

namespace sluice::os {

Time now() noexcept { return faults::Machine::now().time; }
std::chrono::nanoseconds thread_cpu_time() noexcept { return now().time_since_epoch(); }
WallTime wall_now() noexcept {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(now().time_since_epoch()));
}

}  // namespace sluice::os

namespace sluice::loop {

using faults::Machine;

void EventFree::operator()(event*) const noexcept {}
void BaseFree::operator()(event_base*) const noexcept {}

EventLoop::EventLoop() : now_(os::now()), deadlines_(now_) {
  deadlines_.on_first([this] { (void)deadlines_.tick(now()); });
}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  running_ = true;
  Machine::now().turn();
  for (auto& work : std::exchange(posted_, {})) work();
  List<Deferred> now_deferred;
  now_deferred.take_all(deferred_);
  while (Deferred* work = now_deferred.pop_front()) work->run_deferred();
  (void)deadlines_.tick(now());
  running_ = false;
  stale_ = true;
}

void EventLoop::stop() { stopped_ = true; }
void EventLoop::post(std::function<void()> work) { posted_.push_back(std::move(work)); }
void EventLoop::defer(Deferred& work) {
  if (!work.linked()) deferred_.push_back(work);
}
void EventLoop::on_signal(int, std::function<void()>) {}

namespace {
std::map<const Watch*, int> watched;  // their descriptors
}

Watch::Watch(EventLoop&, int fd, std::function<void()> on_readable) : on_readable_(std::move(on_readable)) {
  watched[this] = fd;
  resume();
}
void Watch::pause() noexcept { Machine::now().unwatch_listener(watched[this]); }
void Watch::resume() noexcept { Machine::now().watch_listener(watched[this], on_readable_); }

bool Socket::attach(EventLoop&, os::UniqueFd fd, SocketHandler& handler) noexcept {
  close();
  const auto report = [this](short what) {
    constexpr struct {
      short ours, libevents;
    } kWords[] = {{Machine::kRead, EV_READ}, {Machine::kWrite, EV_WRITE}, {Machine::kClosed, EV_CLOSED}};
    short told = 0;
    for (const auto& word : kWords) {
      if ((what & word.ours) != 0) told = static_cast<short>(told | word.libevents);
    }
    on_event(0, told, this);
  };
  if (!fd.valid() || !Machine::now().watch(fd.get(), report)) return false;
  fd_ = std::move(fd);
  handler_ = &handler;
  return true;
}

void Socket::close() noexcept {
  if (!fd_.valid()) return;
  Machine::now().unwatch(fd_.get());
  fd_.reset();
  readable_ = writable_ = peer_closed_ = was_reset_ = false;
}

void Socket::listen(bool) noexcept {}  // here every edge is heard

void Socket::set_first(bool first) noexcept { Machine::now().watch_first(fd_.get(), first); }

// As in loop/socket.cc.
void Socket::on_event(int, short what, void* self) {
  auto& socket = *static_cast<Socket*>(self);
  if ((what & EV_CLOSED) != 0) socket.peer_closed_ = true;
  if ((what & (EV_READ | EV_CLOSED)) != 0) socket.readable_ = true;
  if ((what & EV_WRITE) != 0) socket.writable_ = true;
  socket.handler_->on_socket(socket);
}

// No threads: a job runs when the schedule says so, and may block as theirs may.
Offload::Offload(unsigned, std::size_t queue) : most_threads_(0), most_jobs_(queue) {}
void Offload::stop() {}

bool Offload::run(EventLoop& loop, Ticket& ticket, std::function<void()> work, std::function<void()> done) {
  ticket.drop();
  auto alive = std::make_shared<bool>(true);
  const bool queued = Machine::now().offload([&loop, alive, work = std::move(work), done = std::move(done)] {
    Machine::now().off_loop = true;
    work();
    Machine::now().off_loop = false;
    loop.post([alive, done] {
      if (!*alive) return;
      *alive = false;
      done();
    });
  });
  if (queued) ticket.alive_ = std::move(alive);
  return queued;
}

}  // namespace sluice::loop
