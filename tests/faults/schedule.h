// The choices of one schedule: drawn from a seed, or replayed from a list.
//
// Whatever a schedule decides (how many bytes a call moves, whether it fails, who acts next) is one pick, and the
// list of picks is the schedule: replaying it replays all. 0 is always the harmless choice, so a list may end
// early, and a failing list shrinks by leaving picks out and making them smaller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::faults {

using Picks = std::vector<std::uint32_t>;

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) noexcept : state_(seed * 2 + 1) {}
  explicit Schedule(Picks picks) noexcept : picks_(std::move(picks)), replays_(true) {}

  std::uint32_t pick(std::uint32_t n);  // 0..n-1, all as likely
  bool chance(std::uint32_t one_in);    // true about once in so many
  std::size_t part(std::size_t n);      // 1..n of n > 0; all of it, one, few or any number

  [[nodiscard]] const Picks& picks() const noexcept { return picks_; }

 private:
  std::uint32_t draw() noexcept;
  std::uint32_t take(std::uint32_t drawn_of, bool rare);

  std::uint64_t state_ = 1;
  Picks picks_;
  std::size_t at_ = 0;
  bool replays_ = false;
};

// "0*12,3,1": what a failure prints and --replay reads.
std::string to_text(const Picks& picks);
Picks picks_from(std::string_view text);  // throws std::invalid_argument

// A shorter, smaller list that still fails; gives up after `tries` runs.
Picks shrink(Picks failing, const std::function<bool(const Picks&)>& fails, int tries);

}  // namespace sluice::faults
