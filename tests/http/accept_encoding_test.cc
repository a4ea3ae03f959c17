#include "http/accept_encoding.h"

#include <string>

#include "catch.h"
#include "http/heads.h"

namespace sluice::http {
namespace {

std::string weights(const std::string& fields) {
  const ParsedRequest parsed("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  std::string out;
  for (const char* coding : {"zstd", "br", "gzip", "identity"})
    out += (out.empty() ? "" : " ") + std::to_string(coding_weight(parsed.head(), coding));
  return out;
}

TEST_CASE("Accept-Encoding tells how much each coding is wanted", "[http]") {
  struct Case {
    const char* fields;
    const char* expected;  // zstd, br, gzip, identity
  };
  const auto c = GENERATE(values<Case>({
      {"", "0 0 0 0"},
      {"Accept-Encoding:\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip\r\n", "0 0 1000 0"},
      {"Accept-Encoding: gzip, deflate, br, zstd\r\n", "1000 1000 1000 0"},
      {"accept-encoding: GZIP;Q=0.5 , br ; q=0.123,,zstd\t;\tq=1.000\r\n", "1000 123 500 0"},
      {"Accept-Encoding: x-gzip;q=0.2\r\n", "0 0 200 0"},
      {"Accept-Encoding: gzip;q=0\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=0.000, *\r\n", "1000 1000 0 1000"},
      {"Accept-Encoding: *;q=0.3, br;q=0.4\r\n", "300 400 300 300"},
      {"Accept-Encoding: *;q=0\r\n", "0 0 0 0"},
      {"Accept-Encoding: identity;q=0\r\n", "0 0 0 0"},
      {"Accept-Encoding: identity, gzip;q=0.9\r\n", "0 0 900 1000"},
      {"Accept-Encoding: gzip;q=0.\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=0.001\r\n", "0 0 1 0"},
      {"Accept-Encoding: br;q=0.1, br\r\n", "0 100 0 0"},  // the first counts
      {"Accept-Encoding: br\r\nAccept-Encoding: gzip;q=0.5\r\n", "0 1000 500 0"},
      {"Accept-Encoding: brotli, zst, gzipped\r\n", "0 0 0 0"},
      // Malformed anywhere: identity.
      {"Accept-Encoding: gzip;q=1.001\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=2\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=0.0001\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=-1\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=.5\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q = 0.5\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;level=9\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;q=1;q=1\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip;\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip br\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip, ;q=1\r\n", "0 0 0 0"},
      {"Accept-Encoding: gzip\r\nAccept-Encoding: \"br\"\r\n", "0 0 0 0"},
  }));
  CAPTURE(c.fields);
  CHECK(weights(c.fields) == c.expected);
}

}  // namespace
}  // namespace sluice::http
