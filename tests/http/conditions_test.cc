#include "http/conditions.h"

#include <string>

#include "catch.h"
#include "http/heads.h"

namespace sluice::http {
namespace {

constexpr Validators kFile{.etag = "\"v,1\"", .modified = 784111777};
#define AT_IT "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE_IT "Sun, 06 Nov 1994 08:49:36 GMT"

ParsedRequest request(const std::string& fields) {
  return ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
}

TEST_CASE("conditions are weighed in the order of RFC 9110 section 13.2.2", "[http]") {
  struct Case {
    const char* fields;
    Condition expected;
  };
  constexpr Condition kProceed = Condition::kProceed, kNotModified = Condition::kNotModified,
                      kFailed = Condition::kFailed;
  const auto c = GENERATE_COPY(values<Case>({
      {"", kProceed},
      {"If-Match: \"v,1\"\r\n", kProceed},
      {"If-Match: *\r\n", kProceed},
      {"If-Match: \"a\", \"v,1\"\r\n", kProceed},
      {"If-Match: \"a\"\r\nIf-Match: \"v,1\"\r\n", kProceed},
      {"If-Match: \"a\"\r\n", kFailed},
      {"If-Match: W/\"v,1\"\r\n", kFailed},  // strong comparison
      {"If-Match: v,1\r\n", kFailed},        // malformed: nothing matches
      {"If-Match:\r\n", kFailed},
      {"If-Unmodified-Since: " AT_IT "\r\n", kProceed},
      {"If-Unmodified-Since: " BEFORE_IT "\r\n", kFailed},
      {"If-Unmodified-Since: yesterday\r\n", kProceed},
      {"If-Match: \"v,1\"\r\nIf-Unmodified-Since: " BEFORE_IT "\r\n", kProceed},  // 1 decides, 2 is skipped
      {"If-None-Match: \"v,1\"\r\n", kNotModified},
      {"If-None-Match: W/\"v,1\"\r\n", kNotModified},  // weak comparison
      {"If-None-Match: \"x\" , W/\"y,z\",,\"v,1\"\r\n", kNotModified},
      {"If-None-Match: *\r\n", kNotModified},
      {"If-None-Match: \"v\", \"1\"\r\n", kProceed},
      {"If-None-Match: w/\"v,1\"\r\n", kProceed},
      {"If-None-Match: \"v,1\r\n", kProceed},
      {"If-Modified-Since: " AT_IT "\r\n", kNotModified},
      {"If-Modified-Since: " BEFORE_IT "\r\n", kProceed},
      {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", kNotModified},
      {"If-Modified-Since: tomorrow\r\n", kProceed},
      {"If-Modified-Since: " AT_IT "\r\nIf-Modified-Since: " AT_IT "\r\n", kProceed},
      {"If-None-Match: \"x\"\r\nIf-Modified-Since: " AT_IT "\r\n", kProceed},  // 3 decides, 4 is skipped
      {"If-Match: \"x\"\r\nIf-None-Match: \"v,1\"\r\n", kFailed},
      {"If-Match: \"v,1\"\r\nIf-None-Match: \"v,1\"\r\n", kNotModified},
  }));
  INFO(c.fields);
  CHECK(evaluate_conditions(request(c.fields).head(), kFile) == c.expected);
}

TEST_CASE("a Range is obeyed without If-Range, or with one that matches strongly", "[http]") {
  struct Case {
    const char* fields;
    bool expected;
  };
  const auto c = GENERATE(values<Case>({
      {"", true},
      {"If-Range: \"v,1\"\r\n", true},
      {"If-Range: \"v\"\r\n", false},
      {"If-Range: W/\"v,1\"\r\n", false},
      {"If-Range: " AT_IT "\r\n", true},
      {"If-Range: " BEFORE_IT "\r\n", false},
      {"If-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n", false},  // exact match, not "since"
      {"If-Range: *\r\n", false},
      {"If-Range:\r\n", false},
      {"If-Range: \"v,1\"\r\nIf-Range: \"v,1\"\r\n", false},
  }));
  INFO(c.fields);
  CHECK(range_applies(request(c.fields).head(), kFile) == c.expected);
}

}  // namespace
}  // namespace sluice::http
