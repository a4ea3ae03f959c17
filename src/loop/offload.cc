#include "loop/offload.h"

#include <algorithm>

#include "loop/event_loop.h"
#include "os/process.h"

namespace sluice::loop {

Offload::Offload(unsigned threads, std::size_t queue) : most_(queue) {
  try {
    for (unsigned i = 0; i < std::max(threads, 1u); ++i) threads_.emplace_back([this] { serve(); });
  } catch (...) {  // no more threads to be had: those that started must not outlive us
    stop();
    throw;
  }
}

Offload::~Offload() { stop(); }

void Offload::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Offload::run(EventLoop& loop, Ticket& ticket, std::function<void()> work, std::function<void()> done) {
  ticket.drop();
  auto alive = std::make_shared<bool>(true);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= most_) return false;
    jobs_.push_back({.loop = &loop, .alive = alive, .work = std::move(work), .done = std::move(done)});
  }
  ticket.alive_ = std::move(alive);
  wanted_.notify_one();
  return true;
}

void Offload::serve() {
  os::block_signals_in_this_thread();  // they belong to the main thread's loop
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      try {
        job.work();
      } catch (...) {  // done is called all the same, or its owner would wait for ever
      }
      job.work = nullptr;  // what it owned goes here, not on the loop thread
      job.loop->post([alive = std::move(job.alive), done = std::move(job.done)] {
        if (!*alive) return;
        *alive = false;
        done();
      });
    } catch (...) {  // no memory to say so; the thread goes on
    }
  }
}

}  // namespace sluice::loop
