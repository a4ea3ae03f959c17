#include "config/cidr.h"

#include <string>

#include "catch.h"

namespace sluice::config {
namespace {

struct Question {
  std::string block, peer;
  bool inside;
};

TEST_CASE("a block contains the addresses under its prefix and no others", "[config]") {
  const auto row = GENERATE(values<Question>({{"10.0.0.0/8", "10.255.255.255:1", true},
                                              {"10.0.0.0/8", "11.0.0.0:1", false},
                                              {"192.168.4.0/22", "192.168.7.255:1", true},
                                              {"192.168.4.0/22", "192.168.8.0:1", false},
                                              {"0.0.0.0/0", "203.0.113.9:1", true},
                                              {"0.0.0.0/0", "[::1]:1", false},
                                              {"127.0.0.1", "127.0.0.1:65535", true},
                                              {"127.0.0.1", "127.0.0.2:1", false},
                                              {"fd00::/8", "[fdff::1]:1", true},
                                              {"fd00::/8", "[fc00::1]:1", false},
                                              {"2001:db8::/33", "[2001:db8:7fff::]:1", true},
                                              {"2001:db8::/33", "[2001:db8:8000::]:1", false},
                                              {"::1/128", "[::1]:1", true},
                                              {"::/0", "127.0.0.1:1", false}}));
  CAPTURE(row.block, row.peer);
  std::string remedy;
  const auto block = Cidr::parse(row.block, remedy);
  REQUIRE(block);
  CHECK(block->contains(os::Address::parse(row.peer).value()) == row.inside);
}

TEST_CASE("an address that is none is in no block", "[config]") {
  std::string remedy;
  CHECK_FALSE(Cidr::parse("0.0.0.0/0", remedy).value().contains(os::Address()));
}

struct Bad {
  std::string text, remedy;
};

TEST_CASE("a block that is none, or is two, is refused with what to write", "[config]") {
  const auto row = GENERATE(values<Bad>({{"", "is no address"},
                                         {"*", "is no address"},
                                         {"localhost", "is no address"},
                                         {"10.0.0/8", "is no address"},
                                         {"[::1]", "is no address"},
                                         {"127.0.0.1:80", "is no address"},
                                         {"10.0.0.0/33", "0 to 32"},
                                         {"10.0.0.0/", "0 to 32"},
                                         {"10.0.0.0/8x", "0 to 32"},
                                         {"10.0.0.0/-1", "0 to 32"},
                                         {"::/129", "0 to 128"},
                                         {"10.1.2.3/8", "\"10.0.0.0/8\""},
                                         {"fd00::1/8", "\"fd00::/8\""},
                                         {"::ffff:10.0.0.1", "write it as IPv4"}}));
  CAPTURE(row.text);
  std::string remedy;
  CHECK_FALSE(Cidr::parse(row.text, remedy));
  CAPTURE(remedy);
  CHECK(remedy.find(row.remedy) != std::string::npos);
}

}  // namespace
}  // namespace sluice::config
