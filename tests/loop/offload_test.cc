#include "loop/offload.h"

#include <atomic>
#include <future>
#include <stdexcept>

#include "catch.h"
#include "loop/event_loop.h"

using namespace sluice;

TEST_CASE("work runs off the loop, done on it", "[offload]") {
  loop::EventLoop loop;
  loop::Offload pool(2, 8);
  loop::Ticket ticket;
  std::thread::id worked, told;
  REQUIRE(pool.run(
      loop, ticket, [&] { worked = std::this_thread::get_id(); },
      [&] {
        told = std::this_thread::get_id();
        CHECK_FALSE(ticket.pending());
        loop.stop();
      }));
  CHECK(ticket.pending());
  loop.run();
  CHECK(told == std::this_thread::get_id());
  CHECK(worked != told);
}

TEST_CASE("a dropped ticket silences done, the work still runs", "[offload]") {
  loop::EventLoop loop;
  loop::Offload pool(1, 8);
  std::atomic<bool> worked = false;
  bool told = false;
  {
    loop::Ticket dropped;
    REQUIRE(pool.run(
        loop, dropped, [&] { worked = true; }, [&] { told = true; }));
  }
  loop::Ticket last;  // one thread: by the time this is done, so is the first
  REQUIRE(pool.run(
      loop, last, [] {}, [&] { loop.stop(); }));
  loop.run();
  CHECK(worked);
  CHECK_FALSE(told);
}

TEST_CASE("a job that throws counts as done, and its thread goes on", "[offload]") {
  loop::EventLoop loop;
  loop::Offload pool(1, 8);
  loop::Ticket thrown, next;
  int told = 0;
  REQUIRE(pool.run(
      loop, thrown, [] { throw std::runtime_error("disk on fire"); }, [&] { ++told; }));
  REQUIRE(pool.run(
      loop, next, [] {},
      [&] {
        ++told;
        loop.stop();
      }));
  loop.run();
  CHECK(told == 2);
}

TEST_CASE("a full queue refuses, and nothing of the refused job runs", "[offload]") {
  loop::EventLoop loop;
  std::promise<void> started, release;
  bool refused_ran = false;
  loop::Ticket running, waiting, refused;
  {
    loop::Offload pool(1, 1);
    REQUIRE(pool.run(
        loop, running,
        [&] {
          started.set_value();
          release.get_future().wait();
        },
        [&] { loop.stop(); }));
    started.get_future().wait();
    CHECK(pool.run(
        loop, waiting, [] {}, [] {}));
    CHECK_FALSE(pool.run(
        loop, refused, [&] { refused_ran = true; }, [&] { refused_ran = true; }));
    CHECK_FALSE(refused.pending());
    release.set_value();
    loop.run();
  }
  CHECK_FALSE(refused_ran);
}

TEST_CASE("a job that hangs is left behind, and its end is told to nobody", "[offload]") {
  const auto release = std::make_shared<std::promise<void>>();
  const auto ended = std::make_shared<std::promise<void>>();
  std::promise<void> started;
  bool told = false;
  {
    loop::EventLoop loop;
    loop::Ticket ticket;
    loop::Offload pool(2, 8);
    REQUIRE(pool.run(
        loop, ticket,
        [&started, release, ended] {
          started.set_value();
          release->get_future().wait();
          ended->set_value();
        },
        [&told] { told = true; }));
    started.get_future().wait();
  }  // neither the pool nor the loop is there any more
  release->set_value();
  ended->get_future().wait();
  CHECK_FALSE(told);
}

TEST_CASE("destruction waits for the running job and drops the waiting ones", "[offload]") {
  loop::EventLoop loop;
  std::promise<void> started;
  std::atomic<bool> finished = false, dropped_ran = false;
  loop::Ticket running, waiting;
  {
    loop::Offload pool(1, 4);
    REQUIRE(pool.run(
        loop, running,
        [&] {
          started.set_value();
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          finished = true;
        },
        [] {}));
    started.get_future().wait();
    REQUIRE(pool.run(
        loop, waiting, [&] { dropped_ran = true; }, [] {}));
  }
  CHECK(finished);
  CHECK_FALSE(dropped_ran);
}
