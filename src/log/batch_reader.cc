#include "log/batch_reader.h"

#include <algorithm>

#include "base/bytes.h"
#include "log/file_error.h"
#include "os/file.h"

namespace sluice::log {

namespace {

constexpr std::size_t kPiece = 1_MiB;

}  // namespace

BatchReader::BatchReader(int fd, std::string path, std::uint64_t from, std::uint64_t end)
    : fd_(fd), path_(std::move(path)), position_(from), end_(std::max(from, end)), start_(from) {}

// At least `wanted` bytes from position_ on, or all there are.
std::string_view BatchReader::window(std::size_t wanted) {
  const std::uint64_t left = end_ - position_;
  wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left));
  auto skipped = static_cast<std::size_t>(position_ - start_);
  if (buffer_.size() < skipped + wanted) {
    buffer_.erase(0, skipped);
    start_ = position_;
    skipped = 0;
    std::size_t have = buffer_.size();
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(wanted, kPiece), left)));
    while (have < buffer_.size()) {
      const os::IoResult read =
          os::read_at(fd_, std::span(buffer_.data() + have, buffer_.size() - have), start_ + have);
      if (!read.ok()) fail(path_, read.error);
      if (read.bytes == 0) break;  // somebody cut it
      have += read.bytes;
    }
    buffer_.resize(have);
  }
  return std::string_view(buffer_).substr(skipped);
}

Scan BatchReader::next() {
  position_ += std::exchange(bytes_, {}).size();
  const std::uint64_t left = end_ - position_;
  if (left == 0) return Scan::kEnd;
  const Scan scan = read_head(window(kBatchHead), left, head_);
  if (scan != Scan::kBatch) return scan;
  const std::string_view found = window(head_.size());
  if (found.size() < head_.size()) return Scan::kTorn;
  bytes_ = found.substr(0, head_.size());
  return scan;
}

}  // namespace sluice::log
