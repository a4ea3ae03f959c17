// A block of addresses: "10.0.0.0/8", "fd00::/8", or one address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/address.h"

namespace sluice::config {

class Cidr {
 public:
  // nullopt: `remedy` says what to write. Bits below the prefix must be zero, as "10.1.2.3/8" leaves open
  // whether one host was meant or a network.
  static std::optional<Cidr> parse(std::string_view text, std::string& remedy);

  // The port plays no part. IPv4 clients of a dual-stack socket count as IPv4 (os::Address sees to that).
  [[nodiscard]] bool contains(const os::Address& address) const noexcept;

  [[nodiscard]] std::string text() const;

 private:
  Cidr(const os::Address& base, unsigned bits) noexcept : base_(base), bits_(bits) {}

  os::Address base_;
  unsigned bits_;  // of the prefix: at most 32 or 128
};

}  // namespace sluice::config
