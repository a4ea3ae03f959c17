#include "observe/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::observe {

namespace {

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr auto kPlain = make_plain();  // stands for itself

constexpr std::uint8_t byte_at(std::string_view s, std::size_t at) {
  return static_cast<std::uint8_t>(s[at]);
}

// Bytes of the well-formed UTF-8 character that `s` begins with; 0 when it begins with none. The bounds of
// the second byte keep out overlong forms, surrogates and what is past U+10FFFF. Source: RFC 3629 section 4.
std::size_t utf8_length(std::string_view s) noexcept {
  const std::uint8_t lead = byte_at(s, 0);
  std::size_t length = 0;
  std::uint8_t low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
    if (lead == 0xc2) low = 0xa0;  // U+0080 to U+009F: control characters, which terminals obey
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  }
  if (length == 0 || s.size() < length || byte_at(s, 1) < low || byte_at(s, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte_at(s, i) & 0xc0) != 0x80) return 0;
  return length;
}

void append_code(std::string& out, std::uint8_t c) {
  constexpr char kHex[] = "0123456789abcdef";
  const char code[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
  out.append(code, sizeof code);
}

}  // namespace

void append_escaped(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const auto stop =
        std::find_if_not(raw.begin(), raw.end(), [](char c) { return kPlain[static_cast<std::uint8_t>(c)]; });
    const auto run = static_cast<std::size_t>(stop - raw.begin());
    out.append(raw.substr(0, run));
    raw.remove_prefix(run);
    if (raw.empty()) return;

    const char c = raw.front();
    std::size_t used = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (const std::size_t length = utf8_length(raw); length != 0) {
      out.append(raw.substr(0, length));
      used = length;
    } else {
      append_code(out, static_cast<std::uint8_t>(c));
    }
    raw.remove_prefix(used);
  }
}

bool is_text(std::string_view raw) noexcept {
  while (!raw.empty()) {
    const std::size_t length = byte_at(raw, 0) < 0x80 ? 1 : utf8_length(raw);
    if (length == 0) return false;
    raw.remove_prefix(length);
  }
  return true;
}

std::string_view cut_text(std::string_view raw, std::size_t most) noexcept {
  if (raw.size() <= most) return raw;
  std::size_t end = most;
  // Three steps at most: rubbish that is all continuation bytes must not be walked through.
  for (int i = 0; i < 3 && end > 0 && (byte_at(raw, end) & 0xc0) == 0x80; ++i) --end;
  return raw.substr(0, end);
}

}  // namespace sluice::observe
