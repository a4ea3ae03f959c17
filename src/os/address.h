// An IPv4 or IPv6 socket address.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::os {

// A value of 28 bytes (each client connection keeps one); compares by family, address and port.
class Address {
 public:
  Address() noexcept { storage_.any.sa_family = AF_UNSPEC; }

  // "127.0.0.1:80", "[::1]:80", "*:80" (all IPv4 and IPv6 addresses), ":80" (likewise). No names: see
  // loop/resolver.h. nullopt: not of that form.
  static std::optional<Address> parse(std::string_view text);
  static Address from(const sockaddr* raw, socklen_t length) noexcept;

  [[nodiscard]] const sockaddr* raw() const noexcept { return &storage_.any; }
  [[nodiscard]] socklen_t length() const noexcept {
    return storage_.any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }
  [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
  [[nodiscard]] bool valid() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;

  [[nodiscard]] std::string ip() const;    // "127.0.0.1", "::1"; "-" when invalid
  [[nodiscard]] std::string text() const;  // "127.0.0.1:80", "[::1]:80"
  // Writes ip() without allocating; returns its length. `out` holds INET6_ADDRSTRLEN bytes.
  std::size_t write_ip(char* out) const noexcept;

  friend bool operator==(const Address& a, const Address& b) noexcept;

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_{};
};

}  // namespace sluice::os
