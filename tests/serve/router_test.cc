#include "serve/router.h"

#include "catch.h"

using namespace sluice;
using serve::Router;

namespace {

// Each route's name is what a test expects: host and path as configured.
std::vector<config::Route> routes(const std::vector<std::pair<std::string, std::string>>& hosts_and_paths) {
  std::vector<config::Route> out;
  for (const auto& [host, path] : hosts_and_paths) {
    config::Route route;
    route.name = host + path;
    route.host = host;
    route.path = path;
    out.push_back(route);
  }
  return out;
}

struct Case {
  const char* host;
  const char* path;
  const char* want;  // "": no route
};

void check(const std::vector<config::Route>& table, const std::vector<Case>& cases) {
  const Router router(table);
  for (const Case& c : cases) {
    INFO(c.host << " " << c.path);
    const std::size_t found = router.match(c.host, c.path);
    REQUIRE((found == Router::npos || found < table.size()));
    CHECK((found == Router::npos ? std::string() : table[found].name) == c.want);
  }
}

}  // namespace

TEST_CASE("the longest prefix that ends where a segment does", "[router]") {
  const auto table =
      routes({{"", "/"}, {"", "/a"}, {"", "/a/b"}, {"", "/a/b/c/d"}, {"", "/slash/"}, {"", "/f.txt"}});
  check(table, {
                   {"h", "/", "/"},
                   {"h", "/a", "/a"},
                   {"h", "/a/", "/a"},
                   {"h", "/a/x", "/a"},
                   {"h", "/ab", "/"},
                   {"h", "/ab/b", "/"},
                   {"h", "/a/b", "/a/b"},
                   {"h", "/a/bc", "/a"},
                   {"h", "/a/b/c", "/a/b"},  // "/a/b/c/d" is longer than what was asked for
                   {"h", "/a/b/c/dd", "/a/b"},
                   {"h", "/a/b/c/d/e/f/g", "/a/b/c/d"},
                   {"h", "/slash/", "/slash/"},
                   {"h", "/slash/x/y", "/slash/"},
                   {"h", "/slash", "/"},  // the slash is part of what was configured
                   {"h", "/slashed", "/"},
                   {"h", "/f.txt", "/f.txt"},
                   {"h", "/f.txtx", "/"},
                   {"h", "/A", "/"},  // paths have case
               });
}

TEST_CASE("without a route for everything, some requests have none", "[router]") {
  check(routes({{"", "/a"}, {"x.example", "/"}}), {
                                                      {"h", "/", ""},
                                                      {"h", "/b", ""},
                                                      {"h", "/ab", ""},
                                                      {"h", "", ""},
                                                      {"h", "*", ""},
                                                      {"h", "/a/b", "/a"},
                                                      {"x.example", "/b", "x.example/"},
                                                      {"y.x.example", "/b", ""},
                                                  });
  CHECK(Router({}).match("h", "/") == Router::npos);
}

TEST_CASE("the most specific host wins over the longer path", "[router]") {
  const auto table = routes({{"", "/"},
                             {"", "/a/b/c"},
                             {"a.example", "/"},
                             {"a.example", "/a"},
                             {"*.example", "/"},
                             {"*.deep.example", "/"},
                             {"b.deep.example", "/only"},
                             {"MiXed.Example", "/"}});
  check(table,
        {
            {"a.example", "/a/b/c", "a.example/a"},
            {"a.example", "/x", "a.example/"},
            {"A.EXAMPLE", "/x", "a.example/"},
            {"mixed.example", "/", "MiXed.Example/"},
            {"a.example:8080", "/a", "a.example/a"},
            {"A.example:80", "/", "a.example/"},
            {"a.example:", "/", "a.example/"},
            {"a.example.", "/", "a.example/"},
            {"a.example.:80", "/", "a.example/"},
            {"other.example", "/", "*.example/"},
            {"x.y.example:1", "/", "*.example/"},  // any name below, however deep
            {"x.deep.example", "/", "*.deep.example/"},
            {"x.y.deep.example", "/", "*.deep.example/"},
            {"deep.example", "/", "*.example/"},
            {"b.deep.example", "/only/x", "b.deep.example/only"},
            {"b.deep.example", "/", "*.deep.example/"},  // its own host has no such path: the next one has
            {"example", "/", "/"},                       // a wildcard needs a name before the dot
            {"notexample", "/", "/"},
            {"a.example.org", "/", "/"},
            {"", "/a/b/c/d", "/a/b/c"},
            {"unknown", "/a/b/c/d", "/a/b/c"},
        });
}

TEST_CASE("IPv6 hosts keep their colons and lose their port", "[router]") {
  check(routes({{"", "/"}, {"[::1]", "/"}, {"[2001:DB8::1]", "/"}, {"127.0.0.1", "/"}}),
        {
            {"[::1]", "/", "[::1]/"},
            {"[::1]:8080", "/", "[::1]/"},
            {"[2001:db8::1]:1", "/", "[2001:DB8::1]/"},
            {"[::2]:8080", "/", "/"},
            {"127.0.0.1:9", "/", "127.0.0.1/"},
        });
}

TEST_CASE("hosts of any length find a route", "[router]") {
  const std::string longest = std::string(247, 'x') + ".example";  // 255 bytes
  const auto table = routes({{"", "/"}, {"*.example", "/"}});
  const Router router(table);
  CHECK(router.match(longest, "/") == 1);
  CHECK(router.match(longest + ":65535", "/") == 1);
  CHECK(router.match("x" + longest, "/") == 0);
  CHECK(router.match(std::string(100'000, '.'), "/") == 0);
}
