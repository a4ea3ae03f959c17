#include "loop/offload.h"

#include <algorithm>
#include <chrono>

#include "loop/event_loop.h"
#include "os/process.h"

namespace sluice::loop {

namespace {
constexpr std::chrono::seconds kPatience{1};  // with running jobs, at the end
}

Offload::Offload(unsigned threads, std::size_t queue)
    : most_threads_(std::max(threads, 1u)), most_jobs_(queue) {}

// With the mutex held. false: there is none at all.
bool Offload::start_thread() noexcept {
  try {
    threads_.emplace_back([state = state_] { serve(*state); });
    ++state_->serving;
  } catch (...) {  // no more threads to be had: those that there are will do
  }
  return state_->serving != 0;
}

void Offload::stop() {
  std::deque<Job> dropped;
  bool all_ended = false;
  {
    std::unique_lock lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->jobs);
    state_->wanted.notify_all();
    all_ended = state_->ended.wait_for(lock, kPatience, [this] { return state_->serving == 0; });
  }
  for (std::thread& thread : threads_) {
    if (all_ended) {
      thread.join();
    } else {
      thread.detach();
    }
  }
  threads_.clear();
}

bool Offload::run(EventLoop& loop, Ticket& ticket, std::function<void()> work, std::function<void()> done) {
  ticket.drop();
  auto alive = std::make_shared<bool>(true);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping || state_->jobs.size() >= most_jobs_) return false;
    const bool more = state_->jobs.size() >= state_->idle && threads_.size() < most_threads_;
    if (more && !start_thread()) return false;
    state_->jobs.push_back({.loop = &loop, .alive = alive, .work = std::move(work), .done = std::move(done)});
  }
  ticket.alive_ = std::move(alive);
  state_->wanted.notify_one();
  return true;
}

void Offload::serve(State& state) {
  os::block_signals_in_this_thread();  // they belong to the main thread's loop
  std::unique_lock lock(state.mutex);
  for (;;) {
    ++state.idle;
    state.wanted.wait(lock, [&] { return state.stopping || !state.jobs.empty(); });
    --state.idle;
    if (state.stopping) break;
    Job job = std::move(state.jobs.front());
    state.jobs.pop_front();
    lock.unlock();
    try {
      job.work();
    } catch (...) {  // done is called all the same, or its owner would wait for ever
    }
    job.work = nullptr;  // what it owned goes here, not on the loop thread
    finish(state, std::move(job));
    lock.lock();
  }
  --state.serving;
  state.ended.notify_all();
}

void Offload::finish(State& state, Job job) {
  const std::lock_guard lock(state.mutex);
  if (state.stopping) return;  // the loop may be gone
  try {
    job.loop->post([alive = std::move(job.alive), done = std::move(job.done)] {
      if (!*alive) return;
      *alive = false;
      done();
    });
  } catch (...) {  // no memory to say so; the thread goes on
  }
}

}  // namespace sluice::loop
