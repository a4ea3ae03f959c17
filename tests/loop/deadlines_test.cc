#include "loop/deadlines.h"

#include <memory>
#include <vector>

#include "catch.h"

using namespace sluice;
using namespace std::chrono_literals;
using loop::Deadlines;

namespace {

struct Wait final : loop::Deadline {
  void on_deadline() override {
    ++fired;
    if (then) then();
  }
  ~Wait() = default;
  int fired = 0;
  std::function<void()> then;
};

const os::Time kStart{};  // any instant will do

}  // namespace

TEST_CASE("a deadline fires never early and at most one tick late", "[deadlines]") {
  const auto after = GENERATE(values<std::chrono::milliseconds>(
      {0ms, 1ms, 99ms, 100ms, 101ms, 250ms, 102300ms, 102400ms, 102500ms, 300s}));
  Deadlines wheel(kStart);
  Wait wait;
  wheel.set(wait, kStart + after);
  auto time = kStart;
  while (wait.fired == 0 && time < kStart + after + 1s) (void)wheel.tick(time += 10ms);
  INFO("after " << after.count() << " ms");
  CHECK(time >= kStart + after);
  // A deadline that is due when it is set waits for the next tick.
  CHECK(time <= kStart + after + Deadlines::kTick);
  (void)wheel.tick(time + 1h);
  CHECK(wait.fired == 1);
}

TEST_CASE("a deadline that is moved ends at its new time", "[deadlines]") {
  const auto moved = GENERATE(values<std::chrono::milliseconds>({300ms, 950ms, 1050ms, 5s, 200s}));
  Deadlines wheel(kStart);
  Wait wait;
  wheel.set(wait, kStart + 1s);
  (void)wheel.tick(kStart + 200ms);
  wheel.set(wait, kStart + moved);
  (void)wheel.tick(kStart + moved - 1ms);
  CHECK(wait.fired == 0);
  (void)wheel.tick(kStart + moved + Deadlines::kTick);
  CHECK(wait.fired == 1);
  CHECK_FALSE(wait.armed());
}

TEST_CASE("a callback may cancel, destroy and set deadlines", "[deadlines]") {
  Deadlines wheel(kStart);
  SECTION("others that are due in the same tick are cancelled or destroyed before they fire") {
    Wait first, cancelled;
    auto destroyed = std::make_unique<Wait>();
    bool seen = false;
    destroyed->then = [&] { seen = true; };
    for (Wait* each : {&first, destroyed.get(), &cancelled}) wheel.set(*each, kStart + 50ms);
    first.then = [&] {
      destroyed.reset();
      cancelled.cancel();
    };
    CHECK_FALSE(wheel.tick(kStart + 1s));
    CHECK(first.fired == 1);
    CHECK_FALSE(seen);
    CHECK(cancelled.fired == 0);
  }
  SECTION("its own deadline is destroyed") {
    auto wait = std::make_unique<Wait>();
    wheel.set(*wait, kStart + 50ms);
    wait->then = [&] { wait.reset(); };
    CHECK_FALSE(wheel.tick(kStart + 1s));
    CHECK(wait == nullptr);
  }
  SECTION("one that is set to the past again and again fires once a tick, and tick() returns") {
    Wait wait;
    wheel.set(wait, kStart);
    wait.then = [&] { wheel.set(wait, kStart); };
    CHECK(wheel.tick(kStart + 300ms));
    CHECK(wait.fired == 3);
  }
  SECTION("another that is due is moved later") {
    Wait first, moved;
    wheel.set(first, kStart + 50ms);
    wheel.set(moved, kStart + 60ms);
    first.then = [&] { wheel.set(moved, kStart + 10s); };
    CHECK(wheel.tick(kStart + 9s));
    CHECK(moved.fired == 0);
    CHECK_FALSE(wheel.tick(kStart + 11s));
    CHECK(moved.fired == 1);
  }
}

TEST_CASE("after a pause of many rounds the due fire once and the others keep their time", "[deadlines]") {
  Deadlines wheel(kStart);
  std::vector<std::unique_ptr<Wait>> due;
  for (int i = 0; i < 200; ++i) {
    due.push_back(std::make_unique<Wait>());
    wheel.set(*due.back(), kStart + i * 1s);
  }
  Wait later;
  wheel.set(later, kStart + 2h);
  const auto woken = kStart + 1h + 37ms;
  CHECK(wheel.tick(woken));
  for (const auto& each : due) CHECK(each->fired == 1);
  CHECK(later.fired == 0);
  wheel.set(later, woken + 400ms);
  (void)wheel.tick(woken + 399ms);
  CHECK(later.fired == 0);
  CHECK_FALSE(wheel.tick(woken + 500ms));
  CHECK(later.fired == 1);
}

TEST_CASE("the wheel asks for ticks when it gets its first entry, and says when it is empty", "[deadlines]") {
  Deadlines wheel(kStart);
  int asked = 0;
  wheel.on_first([&] { ++asked; });
  Wait a, b;
  wheel.set(a, kStart + 1s);
  wheel.set(b, kStart + 2s);
  CHECK(asked == 1);
  CHECK(wheel.tick(kStart + 1500ms));
  b.cancel();
  CHECK_FALSE(wheel.tick(kStart + 1600ms));
  wheel.set(a, kStart + 3s);
  CHECK(asked == 2);
}
