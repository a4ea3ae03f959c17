// The small vocabularies of a configuration file: durations, sizes, servers, near words.
#include <array>
#include <cstdint>
#include <string>

#include "catch.h"
#include "config/duration.h"
#include "config/server.h"
#include "config/size.h"
#include "config/suggest.h"

namespace sluice::config {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct GoodDuration {
  std::string text;
  std::int64_t ms;
  std::string back;
};

TEST_CASE("a duration is read in its unit and written in the largest one that fits", "[config]") {
  const auto row = GENERATE(values<GoodDuration>({{"0s", 0, "0s"},
                                                  {"250ms", 250, "250ms"},
                                                  {"10s", 10'000, "10s"},
                                                  {"1500ms", 1500, "1500ms"},
                                                  {"60s", 60'000, "1m"},
                                                  {"2m", 120'000, "2m"},
                                                  {"24h", 86'400'000, "24h"}}));
  CAPTURE(row.text);
  std::string remedy;
  const auto parsed = parse_duration(row.text, remedy);
  REQUIRE(parsed);
  CHECK(parsed->count() == row.ms);
  CHECK(duration_text(*parsed) == row.back);
}

struct Bad {
  std::string text, remedy;
};

TEST_CASE("a duration that may mean two things is refused with what to write", "[config]") {
  const auto row = GENERATE(values<Bad>({{"10", "write \"10s\" or \"10ms\""},
                                         {"", "such as \"10s\""},
                                         {"s", "such as \"10s\""},
                                         {"-1s", "such as \"10s\""},
                                         {"10 s", "such as \"10s\""},
                                         {"10sec", "such as \"10s\""},
                                         {"1h30m", "such as \"10s\""},
                                         {"1.5s", "1500ms for 1.5s"},
                                         {"9223372036854775807h", "too long"},
                                         {"99999999999999999999s", "too long"}}));
  CAPTURE(row.text);
  std::string remedy;
  CHECK_FALSE(parse_duration(row.text, remedy));
  CAPTURE(remedy);
  CHECK(has(remedy, row.remedy));
}

struct GoodSize {
  std::string text;
  std::uint64_t bytes;
  std::string back;
};

TEST_CASE("a size is read in its unit and written in the largest one that fits", "[config]") {
  const auto row = GENERATE(values<GoodSize>({{"0", 0, "0"},
                                              {"4096", 4096, "4KiB"},
                                              {"100B", 100, "100"},
                                              {"16KiB", 16384, "16KiB"},
                                              {"1MiB", 1048576, "1MiB"},
                                              {"3GiB", 3221225472, "3GiB"},
                                              {"1025KiB", 1049600, "1025KiB"}}));
  CAPTURE(row.text);
  std::string remedy;
  const auto parsed = parse_size(row.text, remedy);
  REQUIRE(parsed);
  CHECK(*parsed == row.bytes);
  CHECK(size_text(*parsed) == row.back);
}

TEST_CASE("a size that may mean two things is refused with what to write", "[config]") {
  const auto row = GENERATE(values<Bad>({{"4k", "write \"4KiB\""},
                                         {"4KB", "write \"4KiB\""},
                                         {"1m", "write \"1MiB\""},
                                         {"2Gb", "write \"2GiB\""},
                                         {"", "is no size"},
                                         {"KiB", "is no size"},
                                         {"-1", "is no size"},
                                         {"1.5MiB", "is no size"},
                                         {"16 KiB", "is no size"},
                                         {"17179869184GiB", "too large"},
                                         {"18446744073709551616", "too large"}}));
  CAPTURE(row.text);
  std::string remedy;
  CHECK_FALSE(parse_size(row.text, remedy));
  CAPTURE(remedy);
  CHECK(has(remedy, row.remedy));
}

struct GoodServer {
  std::string text, host;
  std::uint16_t port;
};

TEST_CASE("a server is read as host and port, and written as it was", "[config]") {
  const auto row = GENERATE(values<GoodServer>({{"127.0.0.1:9001", "127.0.0.1", 9001},
                                                {"[::1]:9001", "::1", 9001},
                                                {"origin.example:80", "origin.example", 80},
                                                {"my_service-1:65535", "my_service-1", 65535}}));
  CAPTURE(row.text);
  std::string remedy;
  const auto server = parse_server(row.text, remedy);
  REQUIRE(server);
  CHECK(server->host == row.host);
  CHECK(server->port == row.port);
  CHECK(server_text(*server) == row.text);
}

TEST_CASE("a server that can't be connected to is refused with what to write", "[config]") {
  const auto row = GENERATE(values<Bad>({{"127.0.0.1", "write \"127.0.0.1:80\""},
                                         {"[::1]", "write \"[::1]:80\""},
                                         {"::1:80", "without brackets"},
                                         {"http://a.example:80", "write only \"host:port\""},
                                         {"https://a.example", "TLS"},
                                         {"a.example:0", "1 to 65535"},
                                         {"a.example:65536", "1 to 65535"},
                                         {"a.example:", "1 to 65535"},
                                         {"a.example:http", "1 to 65535"},
                                         {":80", "write \"127.0.0.1:80\""},
                                         {"300.0.0.1:80", "no valid IP address"},
                                         {"[::g]:80", "no valid IP address"},
                                         {"a..example:80", "no valid host name"},
                                         {"a example:80", "no valid host name"}}));
  CAPTURE(row.text);
  std::string remedy;
  CHECK_FALSE(parse_server(row.text, remedy));
  CAPTURE(remedy);
  CHECK(has(remedy, row.remedy));
}

struct Word {
  std::string written, meant;
};

TEST_CASE("a slip of the fingers finds the word that was meant, another word finds none", "[config]") {
  constexpr auto kKnown = std::to_array<std::string_view>({"listeners", "upstreams", "routes", "workers"});
  const auto row = GENERATE(values<Word>({{"listener", "listeners"},
                                          {"Listeners", "listeners"},
                                          {"lisetners", "listeners"},
                                          {"upstram", "upstreams"},
                                          {"route", "routes"},
                                          {"worker", "workers"},
                                          {"threads", ""},
                                          {"x", ""},
                                          {"", ""}}));
  CAPTURE(row.written);
  CHECK(nearest(row.written, kKnown) == row.meant);
}

TEST_CASE("two swapped neighbours are one slip", "[config]") {
  CHECK(edit_distance("prxoy", "proxy") == 1);
  CHECK(edit_distance("proxy", "proxy") == 0);
  CHECK(edit_distance("", "abc") == 3);
}

}  // namespace
}  // namespace sluice::config
