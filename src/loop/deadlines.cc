#include "loop/deadlines.h"

#include <algorithm>

namespace sluice::loop {

void Deadlines::set(Deadline& deadline, os::Time at) {
  deadline.at_ = at;
  // The slot it stands in comes first: tick() will find the new time there.
  if (deadline.armed() && deadline.slot_at_ < at + kTick) return;
  if (!ticking_) {
    if (wanted_) wanted_();
    ticking_ = true;
  }
  place(deadline);
}

// The first slot that ends at or after the deadline; never the current one, which tick() may be emptying, so
// a callback that sets its deadline to "now" can't keep tick() from returning.
void Deadlines::place(Deadline& deadline) {
  const auto ahead = (deadline.at_ - ticked_ + kTick - os::Clock::duration(1)) / kTick;
  const auto steps = std::clamp<os::Clock::rep>(ahead, 1, kSlots - 1);
  deadline.slot_at_ = ticked_ + steps * kTick;
  slots_[(slot_ + static_cast<std::size_t>(steps)) % kSlots].push_back(deadline);
}

bool Deadlines::tick(os::Time now) {
  // After a pause of more than a round one turn of the wheel meets every entry. Their slot_at_ is then older
  // than the slot says, which only makes set() leave them where they are: they are met before tick() returns.
  const os::Clock::duration behind = now - ticked_;
  if (behind > kRound) ticked_ += (behind - kRound) / kTick * kTick;

  while (ticked_ + kTick <= now) {
    ticked_ += kTick;
    slot_ = (slot_ + 1) % kSlots;
    List<Deadline> due;  // a callback may destroy others that are due: they leave this list
    due.take_all(slots_[slot_]);
    while (Deadline* deadline = due.pop_front()) {
      if (deadline->at_ > ticked_)
        place(*deadline);
      else
        deadline->on_deadline();  // may have destroyed it
    }
  }
  ticking_ = !empty();
  return ticking_;
}

// Entries leave by themselves when destroyed, so there is no count to keep; the look stops at the first
// entry.
bool Deadlines::empty() noexcept {
  return std::all_of(slots_.begin(), slots_.end(), [](const List<Deadline>& slot) { return slot.empty(); });
}

}  // namespace sluice::loop
