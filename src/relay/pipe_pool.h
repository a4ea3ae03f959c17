// The pipes of one worker: kept open between bodies, bounded in number, handed out empty.
//
// Bounded   `most` open pipes, in use and spare; above it, or when the kernel has no descriptor or only a
//           one-page pipe to give, take() answers an invalid lease and the body is copied. The next one tries
//           again.
// Thread    the worker's.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

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
  PipePool(std::size_t capacity_wanted, std::size_t most, std::size_t spare) noexcept
      : capacity_wanted_(capacity_wanted), most_(most), spare_(spare) {}

  PipeLease take() noexcept;
  [[nodiscard]] std::size_t open() const noexcept { return in_use_ + free_.size(); }
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }  // in all

 private:
  friend class PipeLease;
  void give(os::Pipe pipe) noexcept;

  const std::size_t capacity_wanted_, most_, spare_;
  std::size_t in_use_ = 0, refused_ = 0;
  std::vector<os::Pipe> free_;
};

inline void PipeLease::give_back() noexcept {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->give(std::move(pipe_));
}

}  // namespace sluice::relay
