// Steps over the batches of an open segment by their heads: nothing else is read, so that a gigabyte costs some thousand
// small reads.
//
// Errors    a read that fails ends the walk, as if the file did: kTorn.
// Thread    one; blocks on cold pages: off the loop only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "log/batch.h"

namespace sluice::log {

class BatchWalk {
 public:
  // Borrows `fd`. `size`: of the file, at most so much is looked at.
  BatchWalk(int fd, std::uint64_t size, std::uint64_t position) noexcept
      : fd_(fd), size_(size), position_(position) {}

  // What stands at position(), which is behind the batch afterwards: kBatch, with its head in `out`. The others end the
  // walk; kEnd before the file's end is room that was preallocated.
  Scan next(BatchHead& out) noexcept;

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  // Where batches are small their heads come many at a time, with what stands between.
  static constexpr std::size_t kPage = 4_KiB, kSmall = 1_KiB;
  std::string_view bytes_here() noexcept;

  const int fd_;
  const std::uint64_t size_;
  std::uint64_t position_;
  std::uint64_t window_at_ = 0;  // of window_ in the file
  std::size_t window_size_ = 0;
  std::array<char, kPage> window_;
  bool small_ = false;  // the last batch was
};

// Whether the CRC of the batch at `position` is right, which is read for that a piece at a time. Of magic 0 and 1: not checked,
// true.
bool crc_is_right(int fd, std::uint64_t position, const BatchHead& head);

}  // namespace sluice::log
