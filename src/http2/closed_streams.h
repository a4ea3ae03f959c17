// What a server remembers of streams that are over: enough to tell a frame that breaks the protocol from one that was
// on its way when we reset its stream. nghttp2 would keep an object for each closed stream instead.
//
// Bounded   the streams that ended last, and the gap in their numbers that came last. What is older is forgotten, and
//           frames for it are ignored.
// Source    RFC 9113 sections 5.1 ("closed") and 5.1.1.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::http2 {

class ClosedStreams {
 public:
  // In the order of their numbers.
  void opened(std::int32_t id) noexcept {
    if (id - 2 > last_) skipped_ = last_ + 2, skipped_to_ = id;
    last_ = id;
  }
  // The peer said that nothing of this stream follows.
  void ended(std::int32_t id) noexcept { ended_[next_++ % ended_.size()] = id; }

  [[nodiscard]] bool has_ended(std::int32_t id) const noexcept {
    return id != 0 && std::find(ended_.begin(), ended_.end(), id) != ended_.end();
  }
  // It was idle, and can't be opened any more.
  [[nodiscard]] bool was_skipped(std::int32_t id) const noexcept {
    return id >= skipped_ && id < skipped_to_ && id % 2 == 1;
  }

 private:
  std::array<std::int32_t, 16> ended_{};
  unsigned next_ = 0;
  std::int32_t last_ = -1, skipped_ = 0, skipped_to_ = 0;
};

}  // namespace sluice::http2
