// One thread with its own loop, listening sockets, pools and counters. Workers share nothing on the data
// path.
//
// Life      constructed, started and joined by the main thread; take(), drain() and stop() may be called from
// there and act on
//           the worker's own thread.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "config/config.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "serve/listener.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class Worker {
 public:
  // `files` and `names`: the pools for what may block, apart so that neither waits for the other.
  Worker(loop::Offload& files, loop::Offload& names, StatusPage page);
  ~Worker();  // stop() and join

  // Binds the listeners and opens the file roots. Nobody is let in yet, so that the process may give up its
  // privileges first. Throws std::runtime_error when an address or a file root can't be opened.
  void open(const Snapshot& snapshot);
  // Starts the thread, whose last act is to call `on_ended`.
  void start(std::function<void()> on_ended);

  // A new snapshot: requests from now on follow it. The answer is empty, or says why the old one stays.
  std::future<std::string> take(const Snapshot& snapshot);

  // No new clients; ends when the last exchange has, at latest after timeouts.drain.
  void drain();
  void stop();  // now
  void join();

  [[nodiscard]] const observe::Counters& counters() const noexcept { return counters_; }
  // What may be read from any thread: their figures.
  [[nodiscard]] const relay::Learners& learners() const noexcept { return learners_; }

 private:
  struct FlushLog final : loop::Deadline {
    WorkerState* state = nullptr;
    void on_deadline() override;
  };
  struct EndDrain final : loop::Deadline {
    Worker* worker = nullptr;
    void on_deadline() override;
  };

  std::string apply(const Snapshot& snapshot);
  [[nodiscard]] const config::Listener* listener_at(const std::string& address) const noexcept;
  void on_client(const std::string& address, os::UniqueFd fd, const os::Address& peer);
  [[nodiscard]] bool is_full(const std::string& address) const noexcept;
  void begin_drain();
  void run();

  loop::Offload& files_;
  loop::Offload& names_;
  std::shared_ptr<observe::AccessLog> log_;
  StatusPage page_;
  std::function<void()> on_ended_;
  observe::Counters counters_;
  relay::Learners learners_;
  loop::EventLoop loop_;
  std::unique_ptr<WorkerState> state_;
  std::map<std::string, std::unique_ptr<Listener>> listeners_;  // by address
  FlushLog flush_;
  EndDrain end_drain_;
  std::thread thread_;
};

}  // namespace sluice::serve
