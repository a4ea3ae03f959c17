// A threshold that follows what bodies cost: "thresholds": "auto".
//
// One learner stands for one choice, copying or the kernel's path, of bodies from sockets or from files. Now and then a
// body's processor time is measured, and half of those near the threshold go against it, so that both sides of it are
// known. Sizes are classes, [2^n, 2^(n+1)); a class remembers the last costs of either path, and their median counts: a
// body that met an interrupt tells nothing. The threshold, a power of two, moves one class at a time, when enough bodies
// say that the other path is clearly cheaper.
//
// Memory    fixed: some 6 KiB.
// Thread    the worker's; figures() may be read from any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/step.h"
#include "relay/choose.h"

namespace sluice::relay {

// How the next body serves the learner.
enum class Turn : std::uint8_t { kNone, kAsUsual, kContrary };

class Learner {
 public:
  static constexpr std::uint64_t kLeast = 1_KiB, kMost = 1_MiB;  // of the threshold
  static constexpr std::size_t kClasses = 11;                    // 1 KiB ... 1 MiB
  static constexpr unsigned kEvery = 64;                         // bodies a measurement, on average
  static constexpr std::size_t kRemembered = 63;                 // costs of a class and path
  static constexpr std::size_t kEnough = 9;                      // ... before they count
  static constexpr unsigned kPatience = 16;                      // measurements between two moves

  explicit Learner(std::uint64_t threshold = 8_KiB) noexcept;

  [[nodiscard]] std::uint64_t threshold() const noexcept { return kLeast << at_; }
  // kNone, but for one body of many, at intervals that no pattern of requests keeps step with.
  Turn turn() noexcept;
  // A body of `length` bytes, copied or moved by the kernel, took so much of the processor.
  void learn(std::uint64_t length, bool by_kernel, std::chrono::nanoseconds cost) noexcept;

  struct Cost {
    std::uint64_t bodies = 0;     // measured in all
    std::uint32_t median_ns = 0;  // of the last ones
  };
  struct Figures {
    std::uint64_t threshold = 0;
    struct Class {
      Cost copied, by_kernel;
    };
    std::array<Class, kClasses> classes;  // from kLeast
  };
  [[nodiscard]] Figures figures() const noexcept;
  // A configuration uses it: figures() say something.
  [[nodiscard]] bool in_use() const noexcept { return in_use_.load(std::memory_order_relaxed); }
  void use() noexcept { in_use_.store(true, std::memory_order_relaxed); }

 private:
  struct Costs {
    std::array<std::uint32_t, kRemembered> last{};
    std::atomic<std::uint64_t> bodies{0};
    std::atomic<std::uint32_t> median{0};
    void add(std::uint32_t ns) noexcept;
    [[nodiscard]] bool enough() const noexcept { return bodies.load(std::memory_order_relaxed) >= kEnough; }
    [[nodiscard]] Cost figure() const noexcept;
  };
  struct Class {
    Costs copied, by_kernel;
    [[nodiscard]] bool known() const noexcept { return copied.enough() && by_kernel.enough(); }
    [[nodiscard]] bool prefers_copying() const noexcept;
    [[nodiscard]] bool prefers_kernel() const noexcept;
  };
  void move() noexcept;
  std::uint32_t random() noexcept;

  std::array<Class, kClasses> classes_;
  std::size_t at_;  // the threshold's class: the first that the kernel moves
  unsigned until_turn_ = kEvery, since_move_ = 0;
  std::uint32_t random_ = 2463534242U;
  std::atomic<std::size_t> shown_at_;
  std::atomic<bool> in_use_{false};
};

// The two of a worker.
struct Learners {
  Learner sockets, files;
};

// What one body costs, gathered from its steps. Costs nothing itself when nobody wants to know.
class Lesson {
 public:
  explicit Lesson(Learner* learner) noexcept : learner_(learner) {}
  [[nodiscard]] bool wanted() const noexcept { return learner_ != nullptr; }
  // What is to be decided: so many bytes. One that is decided anew on its way, or is not `plain`, teaches nothing.
  void is_of(std::uint64_t length, bool plain) noexcept {
    if (learner_ == nullptr) return;
    if ((length_ != 0 && length_ != length) || !plain) learner_ = nullptr;
    length_ = length;
  }
  void begin_step() noexcept {
    if (learner_ != nullptr) begin();
  }
  void end_step(Step step, Choice choice) noexcept {
    if (learner_ != nullptr) end(step, choice);
  }

 private:
  void begin() noexcept;
  void end(Step step, Choice choice) noexcept;

  Learner* learner_;  // null: nobody, or no longer
  std::uint64_t length_ = 0;
  std::chrono::nanoseconds begun_{0}, spent_{0};
};

}  // namespace sluice::relay
