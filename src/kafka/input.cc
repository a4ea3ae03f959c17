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

std::int64_t Input::number(std::size_t width) noexcept {
  const std::string_view bytes = take(width);
  if (bytes.empty()) return 0;
  auto value = static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<signed char>(bytes[0])));
  for (const char byte : bytes.substr(1)) value = value << 8U | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
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

std::int64_t Input::length(std::size_t width, bool flexible) noexcept {
  const std::int64_t length = flexible ? std::int64_t{uvarint()} - 1 : number(width);
  if (length < -1) fail("a length is negative");
  return ok() ? length : 0;
}

}  // namespace sluice::kafka
