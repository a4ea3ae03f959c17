#include "log/batch_walk.h"

#include <algorithm>
#include <string>

#include "os/file.h"

namespace sluice::log {

std::string_view BatchWalk::bytes_here() noexcept {
  const std::size_t wanted = std::min<std::uint64_t>(kBatchHead, size_ - position_);
  const bool inside = position_ >= window_at_ && position_ + wanted <= window_at_ + window_size_;
  if (!inside) {
    const std::size_t most = std::min<std::uint64_t>(small_ ? kPage : kBatchHead, size_ - position_);
    const os::IoResult result = os::read_at(fd_, std::span(window_).first(most), position_);
    window_at_ = position_;
    window_size_ = result.ok() ? result.bytes : 0;
  }
  const auto at = static_cast<std::size_t>(position_ - window_at_);
  return {window_.data() + at, std::min(wanted, window_size_ - at)};
}

Scan BatchWalk::next(BatchHead& out) noexcept {
  if (position_ >= size_) return Scan::kEnd;
  const std::string_view bytes = bytes_here();
  if (bytes.empty()) return Scan::kTorn;  // it can't be read, or is shorter by now
  const Scan found = read_head(bytes, size_ - position_, out);
  if (found != Scan::kBatch) return found;
  small_ = out.size() <= kSmall;
  position_ += out.size();
  return Scan::kBatch;
}

bool crc_is_right(int fd, std::uint64_t position, const BatchHead& head) {
  constexpr std::size_t kCovered = 21;  // from `attributes` on
  if (head.magic != 2) return true;
  std::string piece(std::min<std::size_t>(head.size(), 64_KiB), '\0');
  std::uint32_t crc = 0;
  for (std::size_t done = kCovered; done != head.size();) {
    const std::size_t want = std::min(piece.size(), head.size() - done);
    const os::IoResult result = os::read_at(fd, std::span(piece).first(want), position + done);
    if (!result.ok() || result.bytes == 0) return false;
    crc = crc32c(std::string_view(piece).substr(0, result.bytes), crc);
    done += result.bytes;
  }
  return crc == head.crc;
}

}  // namespace sluice::log
