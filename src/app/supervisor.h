// The process: starts the workers, hears the signals, ends when the last worker has.
//
//   SIGHUP            reads the configuration again; a bad one is explained and the old one stays. Reopens the access
//                     log.
//   SIGUSR1           reopens the access log (after it was renamed).
//   SIGTERM, SIGINT   drains: no new clients, running exchanges may finish until timeouts.drain. A second one ends at
//                     once.
//
// Privileges   listeners, keys, logs and file roots are opened first; then the process becomes `user`, and only then
//              does anybody get in.
// Certificates are looked at now and then on this thread; workers get new contexts as they get a new configuration.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "observe/access_log.h"
#include "serve/worker.h"
#include "tls/store.h"

namespace sluice::app {

class Supervisor {
 public:
  // `config_file`: read again on SIGHUP; empty: there is none.
  Supervisor(std::shared_ptr<const config::Config> config, std::string config_file);
  ~Supervisor();

  // Until a signal ends it. Throws std::runtime_error when it can't start.
  void run();

 private:
  // What is done again and again on this thread.
  struct Chore final : loop::Deadline {
    std::function<void()> work;
    void on_deadline() override { work(); }
  };

  void start_workers();
  void reload();
  void check_certificates();
  void rotate_tickets();
  void plan_chores();
  std::string apply(const serve::Snapshot& fresh);
  void count_services();
  void end();
  void worker_ended();

  const std::string config_file_;
  observe::Counters counters_;  // this thread's
  tls::Store store_;
  serve::Snapshot now_;  // what the workers work by
  loop::EventLoop loop_;
  Chore check_, rotation_, count_;
  std::string check_failed_;  // why, the last time
  loop::Offload files_;       // cold ones
  loop::Offload names_;       // apart: a name server that doesn't answer must not keep anybody from a file
  std::vector<std::unique_ptr<serve::Worker>> workers_;
  std::size_t running_ = 0;
  bool draining_ = false;
};

}  // namespace sluice::app
