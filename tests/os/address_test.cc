#include "os/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "catch.h"

using sluice::os::Address;

TEST_CASE("addresses are read and written the same way", "[address]") {
  struct Case {
    const char* text;
    const char* want;
    int family;
    std::uint16_t port;
  };
  for (const Case& c :
       {Case{"127.0.0.1:80", "127.0.0.1:80", AF_INET, 80}, Case{"0.0.0.0:0", "0.0.0.0:0", AF_INET, 0},
        Case{"255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535},
        Case{"[::1]:443", "[::1]:443", AF_INET6, 443},
        Case{"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", AF_INET6, 1},
        Case{"*:8080", "[::]:8080", AF_INET6, 8080}, Case{":8080", "[::]:8080", AF_INET6, 8080}}) {
    INFO(c.text);
    const auto got = Address::parse(c.text);
    REQUIRE(got.has_value());
    CHECK(got->valid());
    CHECK(got->family() == c.family);
    CHECK(got->port() == c.port);
    CHECK(got->text() == c.want);
    CHECK(got->length() == (c.family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    CHECK(Address::parse(got->text()) == got);
    CHECK(Address::from(got->raw(), got->length()) == *got);
  }
}

TEST_CASE("what is no address is refused", "[address]") {
  const std::string texts[] = {"",
                               "127.0.0.1",
                               "127.0.0.1:",
                               "127.0.0.1:x",
                               "127.0.0.1:80x",
                               "127.0.0.1: 80",
                               "127.0.0.1:+80",
                               "127.0.0.1:-1",
                               "127.0.0.1:65536",
                               "127.0.0.1:99999999999",
                               "127.0.0:80",
                               "127.0.0.1.1:80",
                               "256.0.0.1:80",
                               "[127.0.0.1]:80",
                               "::1:80",
                               "[::1]",
                               "[::1]80",
                               "[]:80",
                               "[::1:80",
                               "[::g]:80",
                               "[fe80::1%lo]:80",
                               "localhost:80",
                               "**:80",
                               std::string(200, '1') + ":80",
                               std::string("127.0.0.1\0x:80", 14)};
  for (const std::string& text : texts) {
    INFO(text);
    CHECK_FALSE(Address::parse(text).has_value());
  }
}

TEST_CASE("an IPv4 client of a dual-stack socket is an IPv4 address", "[address]") {
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  raw.sin6_port = htons(4711);
  REQUIRE(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &raw.sin6_addr) == 1);
  const Address got = Address::from(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
  CHECK(got.family() == AF_INET);
  CHECK(got.text() == "192.0.2.7:4711");
  CHECK(got == *Address::parse("192.0.2.7:4711"));
}

TEST_CASE("what the kernel gives that is no internet address is invalid, not garbage", "[address]") {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  sockaddr_in cut{};
  cut.sin_family = AF_INET;
  for (const Address& address : {Address(), Address::from(nullptr, 0),
                                 Address::from(reinterpret_cast<const sockaddr*>(&local), sizeof local),
                                 Address::from(reinterpret_cast<const sockaddr*>(&cut), sizeof cut - 9)}) {
    CHECK_FALSE(address.valid());
    CHECK(address.ip() == "-");
  }
}

TEST_CASE("addresses differ by family, address and port", "[address]") {
  const char* texts[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "[::1]:81", "[::2]:80"};
  for (const char* a : texts)
    for (const char* b : texts) CHECK((*Address::parse(a) == *Address::parse(b)) == (a == b));
  Address moved = *Address::parse("127.0.0.1:80");
  moved.set_port(81);
  CHECK(moved == *Address::parse("127.0.0.1:81"));
}
