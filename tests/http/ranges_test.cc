#include "http/ranges.h"

#include <string>

#include "catch.h"

namespace sluice::http {
namespace {

// "whole", "416" or "offset+length ...".
std::string answer(std::string_view value, std::uint64_t size) {
  std::vector<Range> ranges{{.offset = 99, .length = 99}};  // left over from a former request
  std::string out;
  switch (parse_ranges(value, size, ranges)) {
    case RangeAnswer::kWhole:
      return ranges.empty() ? "whole" : "whole, but ranges";
    case RangeAnswer::kNotSatisfiable:
      return "416";
    case RangeAnswer::kParts:
      break;
  }
  for (const Range& range : ranges)
    out += (out.empty() ? "" : " ") + std::to_string(range.offset) + "+" + std::to_string(range.length);
  return out;
}

TEST_CASE("ranges are cut to the file, refused, or ignored", "[http]") {
  struct Case {
    const char* value;
    std::uint64_t size;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"bytes=0-0", 100, "0+1"},
      {"bytes=10-19", 100, "10+10"},
      {"Bytes=90-", 100, "90+10"},
      {"bytes=90-1000", 100, "90+10"},
      {"bytes=99-99999999999999999999999", 100, "99+1"},
      {"bytes=-10", 100, "90+10"},
      {"bytes=-1000", 100, "0+100"},
      {"bytes=0-", 100, "0+100"},
      {"bytes=50-59, 0-9", 100, "50+10 0+10"},
      {"bytes=,0-9\t,, 20-29,", 100, "0+10 20+10"},
      {"bytes=0-9,5-14", 100, "0+10 5+10"},
      {"bytes=0-9,100-", 100, "0+10"},
      {"bytes=100-", 100, "416"},
      {"bytes=100-200,300-", 100, "416"},
      {"bytes=99999999999999999999999-", 100, "416"},
      {"bytes=-0", 100, "416"},
      {"bytes=0-", 0, "416"},
      {"bytes=-5", 0, "whole"},
      {"bytes=0-99,0-0", 100, "whole"},  // together more than there is
      {"bytes=0-,0-", 100, "whole"},
      {"bytes=9-0", 100, "whole"},
      {"bytes=0-9,9-0", 100, "whole"},
      {"bytes=", 100, "whole"},
      {"bytes=,", 100, "whole"},
      {"bytes=-", 100, "whole"},
      {"bytes=5", 100, "whole"},
      {"bytes=+5-9", 100, "whole"},
      {"bytes=5--9", 100, "whole"},
      {"bytes=0x1-9", 100, "whole"},
      {"bytes=1 -9", 100, "whole"},
      {"bytes:0-9", 100, "whole"},
      {"lines=0-9", 100, "whole"},
      {"bytes", 100, "whole"},
      {"", 100, "whole"},
      {"bytes=18446744073709551615-18446744073709551615", 18446744073709551615u, "416"},
      {"bytes=0-18446744073709551615", 18446744073709551615u, "0+18446744073709551615"},
  }));
  INFO(c.value);
  CHECK(answer(c.value, c.size) == c.expected);
}

TEST_CASE("sixteen ranges are served, a seventeenth makes it the whole", "[http]") {
  std::string value = "bytes=0-0", expected = "0+1";
  for (int i = 1; i < 16; ++i) {
    value += "," + std::to_string(i) + "-" + std::to_string(i);
    expected += " " + std::to_string(i) + "+1";
  }
  CHECK(answer(value, 100) == expected);
  CHECK(answer(value + ",50-50", 100) == "whole");
  CHECK(answer(value + ",500-", 100) == "whole");
}

}  // namespace
}  // namespace sluice::http
