#include "http/target.h"

#include <string>

#include "catch.h"

namespace sluice::http {
namespace {

using std::string_literals::operator""s;

TEST_CASE("targets are split by their form", "[http]") {
  struct Case {
    const char* target;
    const char* expected;  // "authority|path", or "!" when refused
  };
  const auto c = GENERATE(values<Case>({
      {"/", "|/"},
      {"//a/b?c", "|//a/b?c"},
      {"*", "|*"},
      {"http://a", "a|/"},
      {"HTTP://a:1/b", "a:1|/b"},
      {"https://[::1]?x", "[::1]|?x over TLS"},
      {"HttpS://a", "a|/ over TLS"},
      {"http://a/b?c://d", "a|/b?c://d"},
      {"", "!"},
      {"a", "!"},
      {"a:1", "!"},
      {"**", "!"},
      {"?a", "!"},
      {"http:/a", "!"},
      {"http://", "!"},
      {"http:///a", "!"},
      {"http://u@a/", "!"},
      {"http://a#b", "!"},
      {"ftp://a/", "!"},
      {"://a/", "!"},
  }));
  INFO(c.target);
  const Target target = split_target(c.target);
  std::string got = std::string(target.authority) + "|" + std::string(target.path_and_query);
  if (target.https) got += " over TLS";
  CHECK((target.valid ? got : "!") == c.expected);
}

TEST_CASE("an authority is a host with at most a port", "[http]") {
  const auto good =
      GENERATE(as<std::string>{}, "a", "a.example:80", "a.example:", "a:65535", "127.0.0.1:8080", "[::]",
               "[::1]:80", "[1:2:3:4:5:6:7:8]", "[2001:DB8::1]", "[1::8]", "[::ffff:1.2.3.4]",
               "[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:7::]", "xn--a_b~!$&'()*+,;=", "%c3%a4");
  INFO(good);
  CHECK(is_valid_authority(good));
}

TEST_CASE("what is no authority is refused", "[http]") {
  const auto bad = GENERATE(
      as<std::string>{}, "", ":80", "a:65536", "a:-1", "a:8a", "a:1:2", "::1", "u@a", "a b", "a/b", "a?b",
      "a\\b", "\"a\"", "%", "%4", "%zz", "[", "[]", "[::1", "[::1]80", "[::1]:x", "[:::]", "[1::2::3]",
      "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[::12345]", "[g::]", "[1.2.3.4]",
      "[::1.2.3]", "[::1.2.3.256]", "[::1.2.3.04]", "[:1]", "[1:]", "[fe80::1%25eth0]", "[v1.a]", "a[::1]");
  INFO(bad);
  CHECK_FALSE(is_valid_authority(bad));
}

TEST_CASE("paths are decoded and climb no higher than the root", "[http]") {
  struct Case {
    std::string path, expected;  // "!" when refused
  };
  const auto c = GENERATE(values<Case>({
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"/a?b/../c", "/a"},
      {"?a", "/"},
      {"", "/"},
      {"*", "*"},
      {"//a///b//", "/a/b/"},
      {"/.", "/"},
      {"/./a/./b/.", "/a/b/"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/..", "/"},
      {"/../../a", "/a"},
      {"/a//../b", "/b"},
      {"/...", "/..."},
      {"/a/..b", "/a/..b"},
      {"/%61%2E%62", "/a.b"},
      {"/a/%2e%2E/b", "/b"},
      {"/%2e%2e/%2e./x", "/x"},
      {"/a%2Fb/..", "/"},
      {"/a%2f..%2fb", "/a%2F..%2Fb"},  // an escaped slash separates nothing
      {"/%252e%252e/a", "/%2e%2e/a"},  // decoded once
      {"/%c3%a4", "/\xc3\xa4"},
      {"/a%20b+c", "/a b+c"},
      {"/a%3Fb", "/a?b"},
      {"/%00", "!"},
      {"/a%", "!"},
      {"/a%4", "!"},
      {"/a%4/b", "!"},
      {"/a%g0", "!"},
      {"/a%0", "!"},
      {"a", "!"},
      {"a/../b", "!"},
  }));
  INFO(c.path);
  std::string out = "left over";
  CHECK((normalise_path(c.path, out) ? out : "!") == c.expected);
}

TEST_CASE("the same place by https: another scheme, another port", "[http]") {
  struct Case {
    const char *authority, *path_and_query;
    std::uint16_t port;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"a.example", "/", 443, "https://a.example/"},
      {"a.example:80", "/b?c", 443, "https://a.example/b?c"},
      {"a.example:80", "/b//%2F?", 8443, "https://a.example:8443/b//%2F?"},
      {"a.example:", "/", 443, "https://a.example/"},
      {"[::1]", "/", 443, "https://[::1]/"},
      {"[::1]:8080", "/", 8443, "https://[::1]:8443/"},
      {"a.example", "?b", 443, "https://a.example/?b"},
  }));
  CHECK(https_location(c.authority, c.path_and_query, c.port) == c.expected);
}

}  // namespace
}  // namespace sluice::http
