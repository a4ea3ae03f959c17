// Whole batches of a segment's file, one after the other, read in large pieces: for those who look at all of it (recovery,
// verify, dump). Those who want one place use an index.
//
// Bounded   memory for the largest batch, and that is no larger than the file.
// Errors    std::runtime_error when the file can't be read: that must not look like its end.
// Thread    one, which may wait for a disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "log/batch.h"

namespace sluice::log {

class BatchReader {
 public:
  // The bytes [from, end) of `fd`, which stays the caller's; a batch begins at `from`. `path` is for messages.
  BatchReader(int fd, std::string path, std::uint64_t from, std::uint64_t end);

  // kBatch: a whole one, and the next call goes on behind it. kEnd: zeros, or there are no more bytes. With the others
  // it is over, too.
  Scan next();

  [[nodiscard]] const BatchHead& head() const noexcept { return head_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }  // until the next call
  [[nodiscard]] std::uint64_t position() const noexcept {
    return position_;
  }  // of this batch, or where it ended
  [[nodiscard]] std::uint64_t end() const noexcept { return position_ + bytes_.size(); }  // behind this batch

 private:
  std::string_view window(std::size_t wanted);

  const int fd_;
  const std::string path_;
  std::uint64_t position_;
  const std::uint64_t end_;
  std::string buffer_;       // of the file, from
  std::uint64_t start_ = 0;  // ... here
  std::string_view bytes_;
  BatchHead head_;
};

}  // namespace sluice::log
