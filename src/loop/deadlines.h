// Deadlines that cost nothing while bytes flow.
//
// A hashed wheel with coarse slots. Moving a deadline later only stores a time: the entry is looked at when
// its old slot comes round, and goes to a new one then. Setting an earlier one moves the entry, a few pointer
// writes.
// Resolution  one tick (100 ms): a deadline fires at most one tick late, never early.
// Thread      the loop's.
#pragma once

#include <array>
#include <chrono>
#include <functional>

#include "base/list.h"
#include "os/clock.h"

namespace sluice::loop {

class Deadlines;

// One wait. Its owner derives from it; destruction cancels.
class Deadline : public ListLink {
 public:
  virtual void on_deadline() = 0;
  [[nodiscard]] bool armed() const noexcept { return linked(); }
  void cancel() noexcept { unlink(); }

 protected:
  ~Deadline() = default;

 private:
  friend class Deadlines;
  os::Time at_{};       // when it really ends
  os::Time slot_at_{};  // the slot it stands in: never later than at_ + one tick
};

class Deadlines {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  explicit Deadlines(os::Time now) noexcept : ticked_(now) {}
  // `wanted` is called before the wheel gets its first entry: bring the wheel up to date with tick(), then
  // tick on at next_tick().
  void on_first(std::function<void()> wanted) { wanted_ = std::move(wanted); }

  void set(Deadline& deadline, os::Time at);
  // Fires what is due; returns false when the wheel is empty and ticking may stop. A callback may set, cancel
  // or destroy any deadline, its own included.
  bool tick(os::Time now);
  [[nodiscard]] os::Time next_tick() const noexcept { return ticked_ + kTick; }

 private:
  static constexpr std::size_t kSlots = 1024;  // 102 s a round; longer waits are put back when met
  static constexpr std::chrono::milliseconds kRound = kSlots * kTick;
  void place(Deadline& deadline);
  bool empty() noexcept;
  std::array<List<Deadline>, kSlots> slots_;
  os::Time ticked_;
  std::size_t slot_ = 0;  // the slot of ticked_
  bool ticking_ = false;
  std::function<void()> wanted_;
};

}  // namespace sluice::loop
