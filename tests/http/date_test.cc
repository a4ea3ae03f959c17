#include "http/date.h"

#include <string>

#include "catch.h"

namespace sluice::http {
namespace {

std::string written(std::time_t seconds) {
  std::string out(kDateSize, '#');
  write_date(out.data(), seconds);
  return out;
}

TEST_CASE("dates are written as IMF-fixdate and read back", "[http]") {
  struct Case {
    std::time_t seconds;
    const char* text;
  };
  const auto c = GENERATE(values<Case>({
      {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
      {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
      {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
      {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  // divisible by 400: a leap year
      {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
      {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
      {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},  // past 32 bits
      {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},  // 2100 is none
      {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
      {-2203891200, "Thu, 01 Mar 1900 00:00:00 GMT"},
      {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
  }));
  CHECK(written(c.seconds) == c.text);
  CHECK(parse_date(c.text) == c.seconds);
}

TEST_CASE("every day of four centuries survives the round trip", "[http]") {
  for (std::time_t day = -135140; day < 11322; ++day) {  // 1600-01-01 to 2000-12-31
    const std::time_t seconds = day * 86400 + 43210;
    REQUIRE(parse_date(written(seconds)) == seconds);
  }
}

TEST_CASE("times without a four-digit year are written as the nearest one that has", "[http]") {
  CHECK(written(253402300800) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(written(std::time_t{-1} << 60) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("the two obsolete forms are read", "[http]") {
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == 784111777);
  CHECK(parse_date("Thu Nov 10 08:49:37 1994") == 784457377);
  CHECK(parse_date("Thursday, 01-Jan-70 00:00:00 GMT") == 0);
  CHECK(parse_date("Tuesday, 19-Jan-38 03:14:08 GMT") == 2147483648);
}

TEST_CASE("a leap second is a time", "[http]") {
  CHECK(parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == 1483228800);
}

TEST_CASE("what is no date is refused", "[http]") {
  const auto text = GENERATE(
      as<std::string>{}, "", "0", "Sun", "Sun,", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37 GMTx", "sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT", "Mon, 29 Feb 2100 00:00:00 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 1994 08:49:-1 GMT", "Sun, 06 Nov +994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
      "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
      "Sun Nov  6 08:49:37 1994 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT");
  INFO(text);
  CHECK_FALSE(parse_date(text).has_value());
}

}  // namespace
}  // namespace sluice::http
