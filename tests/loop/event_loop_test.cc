#include "loop/event_loop.h"

#include <csignal>
#include <thread>

#include "catch.h"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

struct Again final : loop::Deferred {
  explicit Again(std::function<void(Again&)> f) : run(std::move(f)) {}
  ~Again() = default;
  void run_deferred() override { run(*this); }
  std::function<void(Again&)> run;
};

struct Wait final : loop::Deadline {
  ~Wait() = default;
  void on_deadline() override { then(); }
  std::function<void()> then;
};

}  // namespace

TEST_CASE("work posted by other threads runs on the loop's thread, each thread's in its order", "[loop]") {
  loop::EventLoop loop;
  constexpr int kThreads = 4, kEach = 500;
  int left = kThreads * kEach;
  bool in_order = true, on_thread = true;
  std::vector<int> last(kThreads, -1);
  std::vector<std::thread> threads;
  const auto self = std::this_thread::get_id();
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        loop.post([&, t, i] {
          in_order = in_order && last[t] == i - 1;
          on_thread = on_thread && std::this_thread::get_id() == self;
          last[t] = i;
          if (--left == 0) loop.stop();
        });
    });
  loop.run();
  for (auto& thread : threads) thread.join();
  CHECK(left == 0);
  CHECK(in_order);
  CHECK(on_thread);
}

TEST_CASE("work that defers itself for ever does not keep posted work from its turn", "[loop]") {
  loop::EventLoop loop;
  int runs = 0;
  Again again([&](Again& self) {
    // Posted work is known to the loop only after it has asked the kernel again.
    if (++runs == 10) loop.post([&] { loop.stop(); });
    if (runs < 1000) loop.defer(self);
  });
  loop.defer(again);
  loop.run();
  CHECK(runs >= 10);
  CHECK(runs < 20);
}

TEST_CASE("deferred work runs once, and not when it was destroyed before", "[loop]") {
  loop::EventLoop loop;
  int runs = 0, destroyed_runs = 0;
  auto gone = std::make_unique<Again>([&](Again&) { ++destroyed_runs; });
  Again once([&](Again&) {
    ++runs;
    gone.reset();
    loop.post([&] { loop.stop(); });
  });
  loop.defer(once);
  loop.defer(once);
  loop.defer(*gone);
  loop.run();
  CHECK(runs == 1);
  CHECK(destroyed_runs == 0);
}

TEST_CASE("the time stands still within a turn and goes on in the next", "[loop]") {
  loop::EventLoop loop;
  os::Time first, same, next;
  Again later([&](Again&) {
    next = loop.now();
    loop.stop();
  });
  loop.post([&] {
    first = loop.now();
    std::this_thread::sleep_for(2ms);
    same = loop.now();
    loop.defer(later);
  });
  loop.run();
  CHECK(first == same);
  CHECK(next >= first + 2ms);
}

TEST_CASE("a deadline wakes an idle loop in time, also after the wheel was empty", "[loop]") {
  loop::EventLoop loop;
  for (int round = 0; round < 2; ++round) {
    Wait wait;
    wait.then = [&] { loop.stop(); };
    std::this_thread::sleep_for(30ms);  // out of step with the wheel
    const auto set = os::now();
    loop.deadlines().set(wait, set + 120ms);
    loop.run();
    const auto waited = os::now() - set;
    CHECK(waited >= 120ms);
    CHECK(waited < 1s);  // 220 ms and what a busy machine adds
  }
}

TEST_CASE("a signal reaches its handler on the loop", "[loop]") {
  loop::EventLoop loop;
  int seen = 0;
  loop.on_signal(SIGUSR1, [&] {
    ++seen;
    loop.stop();
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  CHECK(seen == 1);
}

TEST_CASE("stop() before run() makes it return at once", "[loop]") {
  loop::EventLoop loop;
  loop.stop();
  loop.run();
  SUCCEED();
}
