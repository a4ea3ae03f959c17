#include "observe/json_text.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace sluice;

namespace {

std::string escaped(std::string_view raw) {
  std::string out;
  observe::append_escaped(out, raw);
  return out;
}

}  // namespace

TEST_CASE("escaping: what JSON or a terminal would obey becomes text", "[json]") {
  struct Case {
    std::string_view raw, want;
  };
  using namespace std::string_view_literals;
  const auto c = GENERATE(values<Case>({
      {"", ""},
      {"/plain?a=b~", "/plain?a=b~"},
      {"say \"hi\" \\", R"(say \"hi\" \\)"},
      {"a\0b"sv, R"(a\u0000b)"},
      {"\r\n\t\x1b[2J\x7f", R"(\u000d\u000a\u0009\u001b[2J\u007f)"},
      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},                      // two-byte characters stay
      {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},  // three, four
      {"\xc2\x9b", R"(\u00c2\u009b)"},                                   // U+009B starts a terminal command
      {"\xff\xfe", R"(\u00ff\u00fe)"},
      {"\xc0\xaf", R"(\u00c0\u00af)"},  // overlong slash
      {"\xe0\x80\xaf", R"(\u00e0\u0080\u00af)"},
      {"\xed\xa0\x80", R"(\u00ed\u00a0\u0080)"},            // a surrogate
      {"\xf4\x90\x80\x80", R"(\u00f4\u0090\u0080\u0080)"},  // past U+10FFFF
      {"x\xe2\x82", R"(x\u00e2\u0082)"},                    // cut off
      {"\xe2\x28\xa1", R"(\u00e2(\u00a1)"},
  }));
  CHECK(escaped(c.raw) == c.want);
}

TEST_CASE("escaping: any two or three bytes give a JSON string", "[json]") {
  // Every lead byte, with followers from each class of UTF-8.
  const std::string followers("\x00\x22\x5c\x7f\x80\x8f\x90\x9f\xa0\xbf\xc2\xff", 12);
  bool all = true;
  for (int lead = 0; lead < 256; ++lead)
    for (const char b : followers)
      for (const char c : followers) {
        const std::string raw{static_cast<char>(lead), b, c};
        all = all && nlohmann::json::accept("\"" + escaped(raw) + "\"");
      }
  CHECK(all);
}

TEST_CASE("cutting never leaves half a character", "[json]") {
  CHECK(observe::cut_text("abcdef", 6) == "abcdef");
  CHECK(observe::cut_text("abcdef", 5) == "abcde");
  CHECK(observe::cut_text("abc\xe2\x82\xac", 5) == "abc");
  CHECK(observe::cut_text("abc\xe2\x82\xac!", 6) == "abc\xe2\x82\xac");
  CHECK(observe::cut_text(std::string(100, '\x80'), 50).size() == 47);
}
