// Properties that hold for every input. A broken one ends the program: a fuzzer then keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::fuzz {

// Control characters escaped: what is shown stays on its line.
inline std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
    const bool visible = c >= 0x20 && c < 0x7f && c != '\\';
    out += visible ? std::string(1, c) : c == '\r' ? "\\r" : c == '\n' ? "\\n" : escaped;
  }
  return out;
}

inline void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

inline void require_same(std::string_view got, std::string_view wanted, std::string_view property) {
  if (got == wanted) return;
  std::fprintf(stderr, "  wanted %s\n  got    %s\n", printable(wanted).c_str(), printable(got).c_str());
  require(false, property);
}

}  // namespace sluice::fuzz
