// The books of one body: what came in either went out or is held. Always.
//
// It catches the classic relay bugs (a tail lost in a pipe, a length decremented by what was read instead of
// what was sent) at the moment they happen instead of as a client's checksum error.
#pragma once

#include <cstdint>

namespace sluice::relay {

class Ledger {
 public:
  void came_in(std::uint64_t n) noexcept { in_ += n; }
  void went_out(std::uint64_t n) noexcept { out_ += n; }
  [[nodiscard]] std::uint64_t in() const noexcept { return in_; }
  [[nodiscard]] std::uint64_t out() const noexcept { return out_; }
  [[nodiscard]] bool balances(std::uint64_t held) const noexcept { return in_ == out_ + held; }

 private:
  std::uint64_t in_ = 0, out_ = 0;  // body bytes, without framing
};

}  // namespace sluice::relay
