// Character classes of HTTP and URIs: one table, one bit a class. Internal to the codec.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

enum class CharClass : std::uint8_t {
  kToken = 1,    // tchar, RFC 9110 section 5.6.2
  kTarget = 2,   // of a request target: visible ASCII but '#', which would begin a fragment
  kValue = 4,    // of a field value or a reason phrase: HTAB, SP, visible, obs-text
  kRegName = 8,  // of a host name, '%' apart: unreserved and sub-delims, RFC 3986 section 3.2.2
  kHexDigit = 16,
};

inline constexpr auto kCharTable = [] {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&table](unsigned c, CharClass k) {
    table[c] = static_cast<std::uint8_t>(table[c] | static_cast<std::uint8_t>(k));
  };
  const auto add_all = [&add](std::string_view set, CharClass k) {
    for (const char c : set) add(static_cast<unsigned char>(c), k);
  };
  for (unsigned c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum) add(c, CharClass::kToken), add(c, CharClass::kRegName);
    if (c > 0x20 && c < 0x7f && c != '#') add(c, CharClass::kTarget);
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) add(c, CharClass::kValue);
  }
  add_all("!#$%&'*+-.^_`|~", CharClass::kToken);
  add_all("-._~!$&'()*+,;=", CharClass::kRegName);
  add_all("0123456789abcdefABCDEF", CharClass::kHexDigit);
  return table;
}();

constexpr bool is(char c, CharClass k) noexcept {
  return (kCharTable[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(k)) != 0;
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }  // OWS
constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The same for eight letters at once, in any byte order.
constexpr std::uint64_t to_lower(std::uint64_t letters) noexcept {
  constexpr std::uint64_t kEach = ~std::uint64_t{0} / 255;
  // Bit 7 of each byte says whether its seven bits lie beyond a bound; bytes that are not ASCII are left alone.
  const std::uint64_t low = letters & (kEach * 0x7f);
  const std::uint64_t from_a = low + kEach * (0x80 - 'A'), beyond_z = low + kEach * (0x7f - 'Z');
  const std::uint64_t upper = (from_a ^ beyond_z) & ~letters & (kEach * 0x80);
  return letters | upper >> 2;
}

// The first place from `at` on whose byte is not of the class; the end when all are.
constexpr std::size_t skip(std::string_view text, std::size_t at, CharClass k) noexcept {
  while (at < text.size() && is(text[at], k)) ++at;
  return at;
}

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && skip(text, 0, CharClass::kToken) == text.size();
}

// The caller has seen that `c` is a kHexDigit.
constexpr unsigned hex_value(char c) noexcept {
  return static_cast<unsigned>(is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10);
}

// 1*DIGIT and nothing else: no sign, no 0x, no white space. nullopt also above `max`.
constexpr std::optional<std::uint64_t> parse_digits(std::string_view text, std::uint64_t max) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace sluice::http
