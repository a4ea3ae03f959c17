// Finds the heads of DATA frames in what comes in. nghttp2 tells nothing of a frame that it ignores, and DATA behind
// the end of its stream is one; RFC 9113 section 5.1 makes an error of it.
//
// Source    RFC 9113 section 4.1.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::http2 {

class FrameHeads {
 public:
  // `preface`: bytes that come before the first frame.
  explicit FrameHeads(std::size_t preface) noexcept : left_(preface) {}

  struct Found {
    std::size_t size;     // of the bytes: up to the end of the head, or all
    std::int32_t stream;  // whose DATA follow; 0 for none
  };
  Found next(std::string_view bytes) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t payload = std::min(left_, bytes.size() - at);
      left_ -= payload, at += payload;
      while (left_ == 0 && have_ < head_.size() && at < bytes.size())
        head_[have_++] = static_cast<unsigned char>(bytes[at++]);
      if (have_ < head_.size()) continue;
      have_ = 0;
      left_ = head_[0] << 16U | head_[1] << 8U | head_[2];
      // An empty one is over with its head, and may be what ended its stream.
      if (head_[3] == 0 && left_ != 0) return {at, static_cast<std::int32_t>(word() & 0x7fffffffU)};
    }
    return {at, 0};
  }

 private:
  [[nodiscard]] std::uint32_t word() const noexcept {
    return head_[5] << 24U | head_[6] << 16U | head_[7] << 8U | head_[8];
  }

  std::array<std::uint32_t, 9> head_{};
  std::size_t have_ = 0, left_;
};

}  // namespace sluice::http2
