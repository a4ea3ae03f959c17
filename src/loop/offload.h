// A few threads for what may block: cold files, name look-ups.
//
// Bounded   `queue` jobs wait at most; run() then answers false and the caller must do without.
// Lifetime  a loop outlives the pool that it gave jobs to, or lives until stop() has returned.
// Errors    a job that throws counts as done: it must have noted its failure where `done` looks.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::loop {

class EventLoop;

// The right to hear that a job is done. Dropping it means `done` is never called; the work itself still runs,
// so `work` must own what it touches. Loop thread only.
class Ticket {
 public:
  Ticket() noexcept = default;
  [[nodiscard]] bool pending() const noexcept { return alive_ != nullptr && *alive_; }
  void drop() noexcept {
    if (alive_ != nullptr) *alive_ = false;
    alive_.reset();
  }
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&& other) noexcept {
    drop();
    alive_ = std::move(other.alive_);
    return *this;
  }
  ~Ticket() { drop(); }

 private:
  friend class Offload;
  std::shared_ptr<bool> alive_;  // read and written on the loop thread only
};

class Offload {
 public:
  // `threads`: at most so many, each started when a job finds the others busy.
  Offload(unsigned threads, std::size_t queue);
  ~Offload() { stop(); }
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  // Drops the waiting jobs and gives the running ones a second. One that still hangs, for a name server or a
  // dead disk may take minutes, is left to itself: its `done` is never called.
  void stop();

  // Runs `work` on a pool thread, then `done` on `loop`'s thread. Any thread may call it; `ticket` belongs to
  // `loop`'s thread. false: the queue is full, nothing will run.
  bool run(EventLoop& loop, Ticket& ticket, std::function<void()> work, std::function<void()> done);

 private:
  struct Job {
    EventLoop* loop = nullptr;
    std::shared_ptr<bool> alive;
    std::function<void()> work, done;
  };
  struct State {  // outlives the pool while a thread hangs
    std::mutex mutex;
    std::condition_variable wanted, ended;
    // Guarded by mutex:
    std::deque<Job> jobs;
    std::size_t serving = 0, idle = 0;  // threads
    bool stopping = false;
  };
  bool start_thread() noexcept;
  static void serve(State& state);
  static void finish(State& state, Job job);

  const std::shared_ptr<State> state_ = std::make_shared<State>();
  const unsigned most_threads_;
  const std::size_t most_jobs_;
  std::vector<std::thread> threads_;  // guarded by state_->mutex
};

}  // namespace sluice::loop
