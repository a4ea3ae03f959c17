// How much goes into the next TLS record: small ones first, for a reader who can use none of it before all of it
// is there; full ones once the connection has shown that it carries a stream, for throughput.
//
// A record of kFirst fits one TCP segment, so the first bytes of a response can be read as soon as they arrive
// however small the congestion window. A pause lets that window shrink, and begins anew.
// Units      bytes of payload.
// Source     RFC 8446 section 5.1 (a record holds 2^14 at most); I. Grigorik, "High Performance Browser
//            Networking", chapter 4, "Optimize TLS Record Size".
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/bytes.h"
#include "os/clock.h"

namespace sluice::tls {

class RecordSize {
 public:
  static constexpr std::size_t kFirst = 1400;       // with 22 bytes of TLS, a segment of 1460 less options
  static constexpr std::size_t kMiddle = 4 * 1400;  // a few segments
  static constexpr std::size_t kFull = 16_KiB;
  static constexpr std::uint64_t kFirstUntil =
      14 * 1400;  // about the initial window of ten segments, and more
  static constexpr std::uint64_t kMiddleUntil = 64_KiB;
  static constexpr std::chrono::milliseconds kPause{1000};

  [[nodiscard]] std::size_t next(os::Time now) noexcept {
    if (now - last_ > kPause) run_ = 0;
    if (run_ < kFirstUntil) return kFirst;
    return run_ < kMiddleUntil ? kMiddle : kFull;
  }
  void sent(std::size_t n, os::Time now) noexcept {
    run_ += n;
    last_ = now;
  }

 private:
  os::Time last_{};
  std::uint64_t run_ = 0;  // since the last pause
};

}  // namespace sluice::tls
