// One worker's compressors: how many there may be, and those at rest.
//
// What zlib and libzstd have set up serves the next body, too: that is half of what zstd does for a body of 8 KiB.
// Each takes megabytes while its client reads, so there is a most of them; a body that gets none goes as it is.
// Thread    the worker's.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "content/compressor.h"

namespace sluice::content {

class Compressors {
 public:
  // At most `most` in use, and `spare` of each coding at rest.
  explicit Compressors(std::size_t most = 256, std::size_t spare = 4);

  // A compressor for one body; goes back by itself.
  class Lease {
   public:
    Lease() noexcept = default;
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), compressor_(std::move(other.compressor_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->give(std::move(compressor_));
    }
    [[nodiscard]] bool valid() const noexcept { return compressor_ != nullptr; }
    Compressor* operator->() const noexcept { return compressor_.get(); }

   private:
    friend class Compressors;
    Lease(Compressors& owner, std::unique_ptr<Compressor> compressor) noexcept
        : owner_(&owner), compressor_(std::move(compressor)) {}
    Compressors* owner_ = nullptr;
    std::unique_ptr<Compressor> compressor_;
  };

  // See Compressor::begin(). Not valid: as many as there may be are in use, or there is no memory.
  [[nodiscard]] Lease take(config::Coding coding, unsigned level,
                           std::optional<std::uint64_t> length) noexcept;
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

 private:
  void give(std::unique_ptr<Compressor> compressor) noexcept;

  const std::size_t most_, spare_;
  std::size_t in_use_ = 0;
  std::array<std::vector<std::unique_ptr<Compressor>>, 3> resting_;  // by config::Coding
};

// nullptr: out of memory.
std::unique_ptr<Compressor> make_gzip() noexcept;
std::unique_ptr<Compressor> make_brotli() noexcept;
std::unique_ptr<Compressor> make_zstd() noexcept;

}  // namespace sluice::content
