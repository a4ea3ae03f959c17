#include "schedule.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace sluice::faults {

// splitmix64: any seed is a good one, also 1, 2, 3.
std::uint32_t Schedule::draw() noexcept {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
}

std::uint32_t Schedule::take(std::uint32_t n, bool rare) {
  if (replays_) return at_ < picks_.size() ? picks_[at_++] % n : 0;
  const std::uint32_t drawn = draw() % n;
  picks_.push_back(rare ? drawn == n - 1 : drawn);
  return picks_.back();
}

std::uint32_t Schedule::pick(std::uint32_t n) { return n < 2 ? 0 : take(n, false); }

bool Schedule::chance(std::uint32_t one_in) {
  if (replays_) return take(2, true) == 1;
  return take(one_in, true) == 1;
}

std::size_t Schedule::part(std::size_t n) {
  if (n < 2) return n;
  switch (pick(4)) {
    case 1:
      return 1;
    case 2:
      return 1 + pick(static_cast<std::uint32_t>(std::min<std::size_t>(n, 16)));
    case 3:
      return 1 + pick(static_cast<std::uint32_t>(n));
    default:
      return n;
  }
}

std::string to_text(const Picks& picks) {
  std::string out;
  for (std::size_t i = 0; i < picks.size();) {
    std::size_t same = i;
    while (same < picks.size() && picks[same] == picks[i]) ++same;
    if (!out.empty()) out += ',';
    out += std::to_string(picks[i]);
    if (same - i > 1) out += '*' + std::to_string(same - i);
    i = same;
  }
  return out;
}

Picks picks_from(std::string_view text) {
  Picks out;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&] {
    std::uint32_t value = 0;
    const auto [behind, error] = std::from_chars(at, end, value);
    if (error != std::errc()) throw std::invalid_argument("a list of picks looks like 0*12,3,1");
    at = behind;
    return value;
  };
  while (at != end) {
    const std::uint32_t value = number();
    std::uint32_t times = 1;
    if (at != end && *at == '*') {
      ++at;
      times = number();
    }
    out.insert(out.end(), times, value);
    if (at != end && *at++ != ',') throw std::invalid_argument("a list of picks looks like 0*12,3,1");
  }
  return out;
}

Picks shrink(Picks best, const std::function<bool(const Picks&)>& fails, int tries) {
  const auto better = [&](Picks candidate) {
    while (!candidate.empty() && candidate.back() == 0) candidate.pop_back();
    if (candidate == best || tries-- <= 0 || !fails(candidate)) return false;
    best = std::move(candidate);
    return true;
  };
  for (bool progress = true; progress && tries > 0;) {
    progress = false;
    for (std::size_t span = std::max<std::size_t>(best.size() / 2, 1);; span /= 2) {
      for (std::size_t at = 0; at < best.size() && tries > 0;) {
        const std::size_t end = std::min(at + span, best.size());
        const auto from = static_cast<std::ptrdiff_t>(at), to = static_cast<std::ptrdiff_t>(end);
        Picks without = best;
        without.erase(without.begin() + from, without.begin() + to);
        if (better(std::move(without))) {
          progress = true;
          continue;
        }
        Picks harmless = best;
        std::fill(harmless.begin() + from, harmless.begin() + to, 0);
        if (better(std::move(harmless))) progress = true;
        at = end;
      }
      if (span <= 1) break;
    }
    for (std::size_t at = 0; at < best.size() && tries > 0; ++at) {
      for (std::uint32_t value = best[at] / 2; best.size() > at && best[at] > 1; value = best[at] / 2) {
        Picks smaller = best;
        smaller[at] = value;
        if (!better(std::move(smaller))) break;
        progress = true;
      }
    }
  }
  return best;
}

}  // namespace sluice::faults
