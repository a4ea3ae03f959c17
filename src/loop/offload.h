// A few threads for what may block: cold files, name look-ups.
//
// Bounded   `queue` jobs wait at most; run() then answers false and the caller must do without.
// Lifetime  a loop outlives the pool that it gave jobs to.
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
  Offload(unsigned threads, std::size_t queue);
  ~Offload();  // finishes the running jobs, drops the waiting ones

  // Runs `work` on a pool thread, then `done` on `loop`'s thread. Any thread may call it; `ticket` belongs to
  // `loop`'s thread. false: the queue is full, nothing will run.
  bool run(EventLoop& loop, Ticket& ticket, std::function<void()> work, std::function<void()> done);

 private:
  struct Job {
    EventLoop* loop = nullptr;
    std::shared_ptr<bool> alive;
    std::function<void()> work, done;
  };
  void serve();
  void stop();

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Job> jobs_;    // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  const std::size_t most_;  // jobs
  std::vector<std::thread> threads_;
};

}  // namespace sluice::loop
