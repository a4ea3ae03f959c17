#include "os/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace sluice::os {

std::optional<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) return std::nullopt;

  Address out;
  if (host.empty() || host == "*") {  // one dual-stack socket takes both families
    out.storage_.v6.sin6_family = AF_INET6;
    out.storage_.v6.sin6_addr = in6addr_any;
    out.set_port(port);
    return out;
  }
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  char buffer[INET6_ADDRSTRLEN] = {};
  // A NUL would end the text for inet_pton(), and what follows it would be let through unseen.
  if (host.size() >= sizeof buffer || host.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(buffer, host.data(), host.size());
  if (!bracketed && ::inet_pton(AF_INET, buffer, &out.storage_.v4.sin_addr) == 1) {
    out.storage_.v4.sin_family = AF_INET;
  } else if (bracketed && ::inet_pton(AF_INET6, buffer, &out.storage_.v6.sin6_addr) == 1) {
    out.storage_.v6.sin6_family = AF_INET6;
  } else {
    return std::nullopt;
  }
  out.set_port(port);
  return out;
}

Address Address::from(const sockaddr* raw, socklen_t length) noexcept {
  Address out;
  if (raw == nullptr) return out;
  if (raw->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    std::memcpy(&out.storage_.v4, raw, sizeof(sockaddr_in));
  } else if (raw->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    std::memcpy(&out.storage_.v6, raw, sizeof(sockaddr_in6));
    // A dual-stack socket reports IPv4 clients as ::ffff:a.b.c.d; logs and headers want a.b.c.d.
    const in6_addr& v6 = out.storage_.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = out.storage_.v6.sin6_port;
      std::memcpy(&v4.sin_addr, v6.s6_addr + 12, 4);
      out.storage_.v4 = v4;
    }
  }
  return out;
}

std::uint16_t Address::port() const noexcept {
  return ntohs(family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void Address::set_port(std::uint16_t port) noexcept {
  (family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port) = htons(port);
}

std::size_t Address::write_ip(char* out) const noexcept {
  // Each proxied request carries its client's address, and inet_ntop(3) goes through sprintf for these four numbers: a
  // tenth of all that such a request takes in user space.
  if (family() == AF_INET) {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &storage_.v4.sin_addr, bytes.size());
    char* at = out;
    for (const std::uint8_t byte : bytes) {
      at = std::to_chars(at, at + 3, byte).ptr;
      *at++ = '.';
    }
    return static_cast<std::size_t>(at - out) - 1;
  }
  if (!valid() || ::inet_ntop(AF_INET6, &storage_.v6.sin6_addr, out, INET6_ADDRSTRLEN) == nullptr) {
    out[0] = '-';
    return 1;
  }
  return std::strlen(out);
}

std::string Address::ip() const {
  char buffer[INET6_ADDRSTRLEN];
  return {buffer, write_ip(buffer)};
}

std::string Address::text() const {
  const std::string host = family() == AF_INET6 ? "[" + ip() + "]" : ip();
  return host + ":" + std::to_string(port());
}

bool operator==(const Address& a, const Address& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET6) {
    return a.storage_.v6.sin6_port == b.storage_.v6.sin6_port &&
           std::memcmp(&a.storage_.v6.sin6_addr, &b.storage_.v6.sin6_addr, sizeof(in6_addr)) == 0;
  }
  return a.storage_.v4.sin_port == b.storage_.v4.sin_port &&
         a.storage_.v4.sin_addr.s_addr == b.storage_.v4.sin_addr.s_addr;
}

}  // namespace sluice::os
