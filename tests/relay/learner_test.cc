// The learner, taught with invented costs.
#include "relay/learner.h"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include "catch.h"

using namespace sluice;
using relay::Learner;
using relay::Turn;

namespace {

using Nanoseconds = std::chrono::nanoseconds;
using Cost = std::function<double(double length)>;  // nanoseconds

// Copying is cheap to begin with; the kernel's path costs more calls and fewer bytes. They cross at `at`.
struct Machine {
  double at;
  double copied(double length) const { return 2000 + length; }
  double by_kernel(double length) const { return 2000 + at / 2 + length / 2; }
};

// A class's bodies, on both paths, as if each had been sent against the threshold every other time.
void teach(Learner& learner, const Machine& machine, std::uint64_t length, int bodies) {
  const auto d = static_cast<double>(length);
  for (int i = 0; i < bodies; ++i) {
    learner.learn(length, false, Nanoseconds(static_cast<long>(machine.copied(d))));
    learner.learn(length, true, Nanoseconds(static_cast<long>(machine.by_kernel(d))));
  }
}

// Traffic of all sizes, of which only what lies within a factor of four of the threshold is tried both ways.
void teach_all(Learner& learner, const Machine& machine, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (std::uint64_t length = 512; length <= 4_MiB; length *= 2) {
      const std::uint64_t body = length + length / 4;
      const auto d = static_cast<double>(body);
      const std::uint64_t least = learner.threshold();
      const bool near = body >= least / 4 && body / 4 < least;
      if (near || body < least) learner.learn(body, false, Nanoseconds(static_cast<long>(machine.copied(d))));
      if (near || body >= least)
        learner.learn(body, true, Nanoseconds(static_cast<long>(machine.by_kernel(d))));
    }
  }
}

}  // namespace

TEST_CASE("the threshold goes where the costs cross", "[learner]") {
  struct Row {
    double crossing;
    std::uint64_t least, most;  // of the threshold: a tenth to either side is not worth a move
  };
  const std::vector<Row> rows = {{500, 1_KiB, 1_KiB},      {2000, 1_KiB, 4_KiB},        {8192, 4_KiB, 16_KiB},
                                 {40'000, 32_KiB, 64_KiB}, {300'000, 128_KiB, 512_KiB}, {1e9, 1_MiB, 1_MiB}};
  for (const Row& row : rows)
    for (const std::uint64_t start : {1_KiB, 8_KiB, 1_MiB}) {
      CAPTURE(row.crossing, start);
      Learner learner(start);
      teach_all(learner, {row.crossing}, 400);
      CHECK(learner.threshold() >= row.least);
      CHECK(learner.threshold() <= row.most);
    }
}

TEST_CASE("the threshold stays within its bounds", "[learner]") {
  CHECK(Learner(0).threshold() == 1_KiB);
  CHECK(Learner(1).threshold() == 1_KiB);
  CHECK(Learner(9'000).threshold() == 8_KiB);
  CHECK(Learner(1_GiB).threshold() == 1_MiB);
}

TEST_CASE("it follows a change", "[learner]") {
  Learner learner;
  teach_all(learner, {1e9}, 400);
  CHECK(learner.threshold() == 1_MiB);
  teach_all(learner, {100}, 400);
  CHECK(learner.threshold() == 1_KiB);
}

TEST_CASE("it moves one class at a time, and not before it knows enough", "[learner]") {
  Learner learner;
  const Machine machine{1e9};  // copying is cheaper, always
  teach(learner, machine, 8_KiB, static_cast<int>(Learner::kEnough) - 1);
  CHECK(learner.threshold() == 8_KiB);
  teach(learner, machine, 8_KiB, 1);
  CHECK(learner.threshold() == 16_KiB);
  teach(learner, machine, 8_KiB, 100);  // of 16 KiB nothing is known
  CHECK(learner.threshold() == 16_KiB);

  std::uint64_t before = learner.threshold();
  for (int i = 0; i < 400; ++i) {
    teach_all(learner, machine, 1);
    CHECK((learner.threshold() == before || learner.threshold() == 2 * before));
    before = learner.threshold();
  }
}

TEST_CASE("one path alone tells nothing", "[learner]") {
  Learner learner;
  for (int i = 0; i < 1000; ++i) learner.learn(8_KiB, true, Nanoseconds(1'000'000));
  for (int i = 0; i < 1000; ++i) learner.learn(4_KiB, false, Nanoseconds(1'000'000));
  CHECK(learner.threshold() == 8_KiB);
}

TEST_CASE("a few bodies that met an interrupt change nothing", "[learner]") {
  Learner learner;
  const Machine machine{8192};
  for (int i = 0; i < 1000; ++i) {
    teach(learner, machine, 8_KiB, 1);
    teach(learner, machine, 5_KiB, 1);
    if (i % 4 == 0) learner.learn(8_KiB, true, Nanoseconds(50'000'000));
    if (i % 4 == 1) learner.learn(5_KiB, false, std::chrono::hours(1));
    CHECK(learner.threshold() == 8_KiB);
  }
}

TEST_CASE("noise does not make it flap", "[learner]") {
  Learner learner;
  const Machine machine{6000};
  std::uint32_t drawn = 12345;
  const auto noisy = [&](double cost) {  // within a quarter to either side
    drawn = drawn * 1664525 + 1013904223;
    return Nanoseconds(static_cast<long>(cost * (0.75 + (drawn >> 8) % 1000 / 2000.0)));
  };
  std::set<std::uint64_t> seen;
  int moves = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t before = learner.threshold();
    for (const std::uint64_t length : {1500, 3000, 6000, 12'000, 24'000, 48'000}) {
      const auto d = static_cast<double>(length);
      learner.learn(length, false, noisy(machine.copied(d)));
      learner.learn(length, true, noisy(machine.by_kernel(d)));
    }
    moves += learner.threshold() != before ? 1 : 0;
    seen.insert(learner.threshold());
  }
  CAPTURE(seen);
  CHECK(moves <= 40);  // of 240,000 measurements, where both ways cost the same
  CHECK(seen.size() <= 3);
}

TEST_CASE("sides that contradict each other don't make it run to and fro", "[learner]") {
  Learner learner;
  int moves = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t before = learner.threshold();
    teach(learner, {1e9}, 8_KiB, 1);  // copy what is large,
    teach(learner, {1}, 4_KiB, 1);    // splice what is small: no threshold does both
    moves += learner.threshold() != before ? 1 : 0;
  }
  CHECK(moves <= 1);
}

TEST_CASE("sizes beyond the classes are left alone", "[learner]") {
  Learner learner;
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, 1_KiB - 1, 2_MiB, UINT64_MAX})
    for (int i = 0; i < 100; ++i) learner.learn(length, i % 2 == 0, Nanoseconds(i));
  for (const auto& each : learner.figures().classes) {
    CHECK(each.copied.bodies == 0);
    CHECK(each.by_kernel.bodies == 0);
  }
}

TEST_CASE("turns come once in many bodies, in no rhythm, half of them contrary", "[learner]") {
  Learner learner;
  long turns = 0, contrary = 0, since = 0;
  std::set<long> gaps;
  constexpr long kBodies = 1'000'000;
  for (long i = 0; i < kBodies; ++i) {
    ++since;
    const Turn turn = learner.turn();
    if (turn == Turn::kNone) continue;
    ++turns;
    contrary += turn == Turn::kContrary ? 1 : 0;
    gaps.insert(since);
    since = 0;
  }
  CHECK(turns > kBodies / Learner::kEvery * 9 / 10);
  CHECK(turns < kBodies / Learner::kEvery * 11 / 10);
  CHECK(contrary > turns * 45 / 100);
  CHECK(contrary < turns * 55 / 100);
  CHECK(gaps.size() > 100);
}

TEST_CASE("its figures say what it knows", "[learner]") {
  Learner learner;
  CHECK_FALSE(learner.in_use());
  for (const long ns : {300, 100, 200}) learner.learn(5_KiB, false, Nanoseconds(ns));
  learner.learn(5_KiB, true, Nanoseconds(70));
  const Learner::Figures figures = learner.figures();
  CHECK(figures.threshold == 8_KiB);
  CHECK(figures.classes[2].copied.bodies == 3);
  CHECK(figures.classes[2].copied.median_ns == 200);
  CHECK(figures.classes[2].by_kernel.bodies == 1);
  CHECK(figures.classes[2].by_kernel.median_ns == 70);
  CHECK(sizeof(Learner) < 6500);  // one per worker and kind, whatever the traffic
}
