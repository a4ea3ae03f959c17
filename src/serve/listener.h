// One listening socket of one worker (SO_REUSEPORT: the kernel spreads new clients over the workers).
//
// Out of descriptors, a waiting client can be neither accepted nor refused, and the socket stays readable for
// ever. A spare descriptor is held for that case: it is closed, the client accepted and closed, and the spare
// opened again. Where another thread was quicker to take it, or memory is short, the listener rests a while.
// Thread    the worker's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "loop/deadlines.h"
#include "loop/watch.h"
#include "observe/log.h"
#include "os/address.h"
#include "os/unique_fd.h"
#include "serve/worker_state.h"

namespace sluice::serve {

class Listener final : private loop::Deadline {
 public:
  using OnClient = std::function<void(os::UniqueFd, const os::Address&)>;
  using IsFull = std::function<bool()>;

  // Throws std::runtime_error: "can't listen on 127.0.0.1:80: Permission denied". While `is_full()` clients wait in the
  // kernel; look_again() when it may be over.
  Listener(WorkerState& state, const std::string& address, OnClient on_client, IsFull is_full = {});

  void look_again();

  // Clients that the kernel has already let in are served, then the socket closes: none of them is refused.
  void finish();

 private:
  void accept_waiting(int most);
  int turn_one_away();
  void rest();
  void on_deadline() override { watch_->resume(); }

  WorkerState& state_;
  const std::string name_;
  const OnClient on_client_;
  const IsFull is_full_;
  bool held_ = false;  // it was full
  os::UniqueFd fd_, spare_;
  std::optional<loop::Watch> watch_;
  observe::Throttle shortage_{std::chrono::minutes(1)};
};

}  // namespace sluice::serve
