#include "upstream/server.h"

#include "catch.h"
#include "upstream/connection.h"

using namespace sluice;
using namespace std::chrono_literals;
using upstream::Server;

namespace {

const os::Address kAddress = *os::Address::parse("127.0.0.1:1");

config::Upstream fails(unsigned most) {
  config::Upstream config;
  config.max_fails = most;
  config.fail_timeout = 10s;
  return config;
}

}  // namespace

TEST_CASE("the failure that reaches the limit marks a server down, and it alone", "[server]") {
  Server server(kAddress, fails(3));
  const os::Time t = os::now();
  CHECK(server.name() == "127.0.0.1:1");
  CHECK(server.take_turn(t));
  CHECK_FALSE(server.failed(t));
  CHECK_FALSE(server.failed(t + 1s));
  CHECK(server.take_turn(t + 1s));
  CHECK(server.failed(t + 2s));
  CHECK_FALSE(server.take_turn(t + 2s));
  CHECK_FALSE(server.failed(t + 2s));  // one that was under way: it is down already
}

TEST_CASE("failures count only within the time, and a success forgets them", "[server]") {
  const os::Time t = os::now();
  SECTION("too far apart") {
    Server server(kAddress, fails(2));
    CHECK_FALSE(server.failed(t));
    CHECK_FALSE(server.failed(t + 11s));
    CHECK_FALSE(server.failed(t + 22s));
    CHECK(server.failed(t + 23s));
  }
  SECTION("a success in between") {
    Server server(kAddress, fails(2));
    CHECK_FALSE(server.failed(t));
    server.succeeded();
    CHECK_FALSE(server.failed(t + 1s));
    CHECK(server.failed(t + 2s));
  }
  SECTION("one is enough") {
    Server server(kAddress, fails(1));
    CHECK(server.failed(t));
    CHECK_FALSE(server.take_turn(t));
  }
  SECTION("none ever is") {
    Server server(kAddress, fails(0));
    for (int i = 0; i < 100; ++i) CHECK_FALSE(server.failed(t));
    CHECK(server.take_turn(t));
  }
}

TEST_CASE("after its time a server gets one trial, which decides", "[server]") {
  Server server(kAddress, fails(1));
  const os::Time t = os::now();
  REQUIRE(server.failed(t));
  CHECK_FALSE(server.take_turn(t + 9999ms));
  CHECK(server.take_turn(t + 10s));
  CHECK_FALSE(server.take_turn(t + 10s));  // one exchange tries, the others stay away
  CHECK_FALSE(server.take_turn(t + 19s));
  SECTION("success: up again, with a clean slate") {
    server.succeeded();
    CHECK(server.take_turn(t + 11s));
    CHECK(server.take_turn(t + 11s));
  }
  SECTION("failure: down for another time from now") {
    CHECK_FALSE(server.failed(t + 12s));
    CHECK_FALSE(server.take_turn(t + 21s));
    CHECK(server.take_turn(t + 22s));
  }
  SECTION("no outcome: the next trial comes all the same") { CHECK(server.take_turn(t + 20s)); }
}
