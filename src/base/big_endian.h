// Whole numbers as networks and Kafka's files have them: the highest byte first.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace sluice {

// `from` has sizeof(T) bytes. Compilers make one load and one swap of it.
template <std::integral T>
[[nodiscard]] constexpr T load_big_endian(const char* from) noexcept {
  std::make_unsigned_t<T> value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<std::make_unsigned_t<T>>((value << 4 << 4) | static_cast<unsigned char>(from[i]));
  }
  return static_cast<T>(value);
}

template <std::integral T>
constexpr void store_big_endian(char* to, T value) noexcept {
  auto left = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = sizeof(T); i-- > 0; left = static_cast<std::make_unsigned_t<T>>(left >> 4 >> 4)) {
    to[i] = static_cast<char>(left & 0xff);
  }
}

}  // namespace sluice
