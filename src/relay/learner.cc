#include "relay/learner.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "os/clock.h"

namespace sluice::relay {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Clearly cheaper is by a tenth. What is moved for that reason would have to change by a fifth to be moved back.
bool clearly_below(std::uint32_t a, std::uint32_t b) noexcept {
  return std::uint64_t{a} * 11 < std::uint64_t{b} * 10;
}

std::size_t class_of(std::uint64_t length) noexcept {
  return static_cast<std::size_t>(std::bit_width(length) - std::bit_width(Learner::kLeast));
}

}  // namespace

void Learner::Costs::add(std::uint32_t ns) noexcept {
  const std::uint64_t before = bodies.load(kRelaxed);
  last[before % kRemembered] = ns;
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(before + 1, kRemembered));
  std::array<std::uint32_t, kRemembered> sorted = last;
  std::nth_element(sorted.begin(), sorted.begin() + count / 2, sorted.begin() + count);
  median.store(sorted[static_cast<std::size_t>(count / 2)], kRelaxed);
  bodies.store(before + 1, kRelaxed);
}

Learner::Cost Learner::Costs::figure() const noexcept {
  return {.bodies = bodies.load(kRelaxed), .median_ns = median.load(kRelaxed)};
}

bool Learner::Class::prefers_copying() const noexcept {
  return clearly_below(copied.median.load(kRelaxed), by_kernel.median.load(kRelaxed));
}

bool Learner::Class::prefers_kernel() const noexcept {
  return clearly_below(by_kernel.median.load(kRelaxed), copied.median.load(kRelaxed));
}

Learner::Learner(std::uint64_t threshold) noexcept
    : at_(class_of(std::clamp(threshold, kLeast, kMost))), shown_at_(at_) {}

// Marsaglia's xorshift: any spread will do, and each worker may draw the same.
std::uint32_t Learner::random() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

Turn Learner::turn() noexcept {
  if (--until_turn_ != 0) return Turn::kNone;
  const std::uint32_t drawn = random();
  until_turn_ = 1 + (drawn >> 1) % (2 * kEvery - 1);
  return (drawn & 1) != 0 ? Turn::kContrary : Turn::kAsUsual;
}

void Learner::learn(std::uint64_t length, bool by_kernel, std::chrono::nanoseconds cost) noexcept {
  if (length < kLeast || length >= 2 * kMost) return;
  Class& its = classes_[class_of(length)];
  const auto most = std::chrono::nanoseconds(std::numeric_limits<std::uint32_t>::max());
  const auto ns = static_cast<std::uint32_t>(std::clamp(cost, std::chrono::nanoseconds(0), most).count());
  (by_kernel ? its.by_kernel : its.copied).add(ns);
  if (++since_move_ >= kPatience) move();
}

// Looks at the nearest class on either side of which both paths are known: as far as bodies go against the threshold. Sides
// that contradict each other leave it where it is.
void Learner::move() noexcept {
  const auto nearest = [this](std::size_t first, std::size_t second) -> const Class* {
    for (const std::size_t each : {first, second})
      if (each < kClasses && classes_[each].known()) return &classes_[each];
    return nullptr;
  };
  const Class* const above = nearest(at_, at_ + 1);
  const Class* const below = nearest(at_ - 1, at_ - 2);  // below class 0: beyond the last
  const bool up = above != nullptr && above->prefers_copying();
  const bool down = below != nullptr && below->prefers_kernel();
  if (up == down || (up && at_ + 1 == kClasses)) return;
  at_ = up ? at_ + 1 : at_ - 1;
  shown_at_.store(at_, kRelaxed);
  since_move_ = 0;
}

Learner::Figures Learner::figures() const noexcept {
  Figures out;
  out.threshold = kLeast << shown_at_.load(kRelaxed);
  for (std::size_t i = 0; i < kClasses; ++i)
    out.classes[i] = {.copied = classes_[i].copied.figure(), .by_kernel = classes_[i].by_kernel.figure()};
  return out;
}

void Lesson::begin() noexcept { begun_ = os::thread_cpu_time(); }

void Lesson::end(Step step, Choice choice) noexcept {
  spent_ += os::thread_cpu_time() - begun_;
  if (step == Step::kMoved || step == Step::kSourceDry || step == Step::kSinkFull) return;  // more follows
  Learner& learner = *learner_;
  learner_ = nullptr;
  // Anything but the plain case tells nothing: a failure, a wait for the disk, an obstacle, another path.
  if (step != Step::kDone || length_ == 0) return;
  const bool by_threshold = choice.reason == Reason::kSmall || choice.reason == Reason::kLarge ||
                            choice.reason == Reason::kSmallFile || choice.reason == Reason::kFile ||
                            choice.reason == Reason::kLearning;
  const bool by_kernel = choice.strategy == Strategy::kSplice || choice.strategy == Strategy::kSendfile;
  if (by_threshold && (by_kernel || choice.strategy == Strategy::kBuffered))
    learner.learn(length_, by_kernel, spent_);
}

}  // namespace sluice::relay
