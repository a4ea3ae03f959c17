// One transaction for all that came in one turn of the loop, and the answers that wait for it.
//
// Offsets are written or refused. A group's record that could not be written is tried again every second: without it
// a restart merely costs a rebalance.
// Thread   the loop's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "groups/record.h"
#include "groups/store.h"
#include "loop/event_loop.h"
#include "observe/log.h"

namespace sluice::groups {

class Turn final : private loop::Deferred, private loop::Deadline {
 public:
  Turn(Store& store, loop::EventLoop& loop) noexcept : store_(store), loop_(loop) {}  // both outlive it

  void save(GroupRecord record);
  void drop(const std::string& group_id);  // the record
  // After the turn's commit, with whether it was written; in the order of the calls.
  void then(std::function<void(bool written)> done);
  void flush();      // now, not in the loop's next turn
  void flush_all();  // with what could not be written earlier
  void failed();     // tells that the store could not be read

 private:
  using Records = std::map<std::string, std::optional<GroupRecord>>;  // nullopt: none any more
  void run_deferred() override { flush(); }
  void on_deadline() override { flush_all(); }
  void retry_soon();

  Store& store_;
  loop::EventLoop& loop_;
  Records records_;  // of this turn
  Records unsaved_;  // of earlier ones
  std::vector<std::function<void(bool)>> done_;
  observe::Throttle throttle_{std::chrono::seconds(10)};
  bool failing_ = false;
};

}  // namespace sluice::groups
