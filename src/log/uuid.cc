#include "log/uuid.h"

namespace sluice::log {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kCharacters = 22;  // 132 bits: the last 4 are zero

}  // namespace

std::string uuid_text(const Uuid& id) {
  std::string out;
  unsigned bits = 0, count = 0;
  for (const unsigned char byte : id) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 63];
  }
  out += kAlphabet[bits << (6 - count) & 63];
  return out;
}

std::optional<Uuid> uuid_from_text(std::string_view text) noexcept {
  if (text.size() != kCharacters) return std::nullopt;
  Uuid id{};
  unsigned bits = 0, count = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    if ((count += 6) < 8) continue;
    count -= 8;
    id[at++] = static_cast<unsigned char>(bits >> count & 255);
  }
  return id;
}

}  // namespace sluice::log
