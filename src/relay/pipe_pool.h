// The pipes of one worker: kept open between bodies, bounded in number, handed out empty.
//
// Two sizes  A long body takes a wide pipe, four times the ordinary one, while there are any: each round through it moves
//           more, so both ends are woken less often. There are few: what a slow reader leaves in its pipe is memory.
// Bounded   `most` open pipes, in use and spare; above it, or when the kernel has no descriptor or only a
//           one-page pipe to give, take() answers an invalid lease and the body is copied. The next one tries
//           again.
// Thread    the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "os/pipe.h"

namespace sluice::relay {

class PipePool;

// A pipe on loan. Going away with bytes in it closes the pipe: leftovers would reach another client.
class PipeLease {
 public:
  PipeLease() noexcept = default;
  PipeLease(PipePool& pool, os::Pipe pipe) noexcept : pool_(&pool), pipe_(std::move(pipe)) {}
  PipeLease(PipeLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), pipe_(std::move(other.pipe_)) {}
  PipeLease& operator=(PipeLease&& other) noexcept {
    give_back();
    pool_ = std::exchange(other.pool_, nullptr);
    pipe_ = std::move(other.pipe_);
    return *this;
  }
  ~PipeLease() { give_back(); }

  [[nodiscard]] bool valid() const noexcept { return pool_ != nullptr; }
  [[nodiscard]] std::size_t pending() const noexcept { return valid() ? pipe_.pending() : 0; }
  [[nodiscard]] os::Pipe& operator*() noexcept { return pipe_; }
  [[nodiscard]] os::Pipe* operator->() noexcept { return &pipe_; }
  void give_back() noexcept;

 private:
  PipePool* pool_ = nullptr;
  os::Pipe pipe_;
};

class PipePool {
 public:
  // A body with this much still to come is long.
  static constexpr std::uint64_t kLong = 2_MiB;

  PipePool(std::size_t capacity_wanted, std::size_t most, std::size_t spare) noexcept
      : ordinary_{.capacity = capacity_wanted, .spare = spare},
        wide_{.capacity = 4 * capacity_wanted, .spare = kMostWide},
        most_(most) {}

  // For a body of which `to_come` bytes are still to come.
  PipeLease take(std::uint64_t to_come = 0) noexcept;
  [[nodiscard]] std::size_t open() const noexcept {
    return in_use() + ordinary_.free.size() + wide_.free.size();
  }
  [[nodiscard]] std::size_t in_use() const noexcept { return ordinary_.in_use + wide_.in_use; }
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }  // in all

 private:
  static constexpr std::size_t kMostWide = 32;
  struct Kind {
    std::size_t capacity, spare;
    std::size_t in_use = 0;
    std::vector<os::Pipe> free = {};
  };
  friend class PipeLease;
  PipeLease take_wide() noexcept;
  PipeLease lend(os::Pipe pipe) noexcept;
  void give(os::Pipe pipe) noexcept;
  // By what was granted, not by what was asked for: a pipe is counted in and out by the same rule.
  [[nodiscard]] bool is_wide(const os::Pipe& pipe) const noexcept {
    return pipe.capacity() >= wide_.capacity;
  }
  Kind& kind_of(const os::Pipe& pipe) noexcept { return is_wide(pipe) ? wide_ : ordinary_; }

  Kind ordinary_, wide_;
  const std::size_t most_;
  std::size_t refused_ = 0;
  bool wide_refused_ = false;
};

inline void PipeLease::give_back() noexcept {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->give(std::move(pipe_));
}

}  // namespace sluice::relay
