// Takes the bytes of a message apart. Whatever is read is there: a length is held against what is left before it is
// used. After the first mistake all reads give zero or nothing, so that a caller may ask once, at the end.
//
// Lifetime  borrows the bytes.
// Errors    ok() and why(); nothing throws.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "base/big_endian.h"

namespace sluice::kafka {

class Input {
 public:
  explicit Input(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool ok() const noexcept { return why_.empty(); }
  [[nodiscard]] std::string_view why() const noexcept { return why_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  void fail(std::string_view why) noexcept {
    if (ok()) why_ = why;
    rest_ = {};
  }

  std::string_view take(std::size_t size) noexcept;

  template <std::integral Number>
  Number number() noexcept {
    const std::string_view bytes = take(sizeof(Number));
    return bytes.empty() ? Number{0} : load_big_endian<Number>(bytes.data());
  }
  std::uint32_t uvarint() noexcept;

  // A length or count in front of what it measures, a Classic where versions are not flexible; -1: null.
  template <std::signed_integral Classic>
  std::int64_t length(bool flexible) noexcept {
    const std::int64_t length = flexible ? std::int64_t{uvarint()} - 1 : std::int64_t{number<Classic>()};
    if (length < -1) fail("a length is negative");
    return ok() ? length : 0;
  }

  // Steps over tagged fields, but for those that `known(tag, bytes)` knows.
  template <typename Known>
  void tagged(const Known& known) noexcept {
    std::int64_t last = -1;
    for (std::uint32_t left = uvarint(); left != 0 && ok(); --left) {
      const std::uint32_t tag = uvarint();
      if (tag <= last && ok()) fail("tagged fields are out of order");
      last = tag;
      known(tag, take(uvarint()));
    }
  }

 private:
  std::string_view rest_, why_;
};

}  // namespace sluice::kafka
