#include "log/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace sluice::log {

namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // bits reversed: the lowest is sent first

// tables[k][b]: what byte `b` does to the checksum when `k` more bytes follow it. "Slicing by eight".
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint64_t eight_bytes(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes,
                                                               std::uint32_t crc) noexcept {
  std::uint64_t state = ~crc;
  while (bytes.size() >= 8) {
    state = _mm_crc32_u64(state, eight_bytes(bytes.data()));
    bytes.remove_prefix(8);
  }
  auto last = static_cast<std::uint32_t>(state);
  for (const char c : bytes) last = _mm_crc32_u8(last, static_cast<unsigned char>(c));
  return ~last;
}
#endif

}  // namespace

std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t crc) noexcept {
  std::uint32_t state = ~crc;
  while (bytes.size() >= 8) {
    const std::uint64_t word = eight_bytes(bytes.data()) ^ state;
    state = 0;
    for (std::size_t i = 0; i < 8; ++i) state ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes)
    state = (state >> 8) ^ kTables[0][(state ^ static_cast<unsigned char>(c)) & 0xff];
  return ~state;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return by_instruction(bytes, crc);
#endif
  return crc32c_by_tables(bytes, crc);
}

}  // namespace sluice::log
