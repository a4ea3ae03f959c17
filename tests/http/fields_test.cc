#include "http/fields.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "catch.h"

namespace {

using namespace sluice::http;

bool equals_letter_by_letter(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

TEST_CASE("names are compared without their case, and nothing else is taken for it") {
  // Each pair of bytes at each place of each length: a word at a time must say what a letter at a time says.
  for (std::size_t size = 1; size <= 19; ++size) {
    const std::string name = std::string("content-disposition").substr(0, size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        for (const char other : {'a', 'A', 'z', 'Z', '-', '@', '[', '`', '{', '\r', '\x7f', '\xc1', '\xe1'}) {
          std::string a = name, b = name;
          a[at] = static_cast<char>(byte);
          b[at] = other;
          if (equals_ignoring_case(a, b) != equals_letter_by_letter(a, b)) {
            CAPTURE(size, at, byte, other);
            FAIL("not what a comparison letter by letter says");
          }
        }
      }
    }
    CHECK_FALSE(equals_ignoring_case(name, name + "x"));
  }
  CHECK(equals_ignoring_case("", ""));
}

TEST_CASE("every name that has an id is found in any case, and its name is in lower case") {
  for (int n = 1; n <= static_cast<int>(FieldId::kXForwardedProto); ++n) {
    const auto id = static_cast<FieldId>(n);
    std::string name(name_of(id));
    CAPTURE(name);
    CHECK(std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::isupper(c); }));
    CHECK(field_id(name) == id);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    CHECK(field_id(name) == id);
    name.back() = static_cast<char>(name.back() ^ 0x1f);
    CHECK(field_id(name) == FieldId::kOther);
  }
  CHECK(name_of(FieldId::kOther).empty());
}
