#include "kafka/input.h"

namespace sluice::kafka {

std::string_view Input::take(std::size_t size) noexcept {
  if (size > rest_.size()) {
    fail("it ends within a field");
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint32_t Input::uvarint() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const auto byte = number<std::uint8_t>();
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte >= 0x80) continue;
    if (value > 0xffffffffU) break;
    return static_cast<std::uint32_t>(value);
  }
  fail("a variable-length number is larger than 32 bits");
  return 0;
}

}  // namespace sluice::kafka
