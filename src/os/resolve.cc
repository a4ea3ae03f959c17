#include "os/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <memory>

namespace sluice::os {

namespace {

std::vector<Address> ask(const std::string& host, std::uint16_t port, int flags, int& code,
                         std::string& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    error = ::gai_strerror(code);
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Address> out;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    Address address = Address::from(a->ai_addr, a->ai_addrlen);
    if (!address.valid()) continue;
    address.set_port(port);
    if (std::find(out.begin(), out.end(), address) == out.end()) out.push_back(address);
  }
  if (out.empty()) error = "no usable address";
  return out;
}

}  // namespace

std::vector<Address> resolve(const std::string& host, std::uint16_t port, std::string& error) {
  // First only families this machine has an address of; where it has none but loopback's, whatever there is.
  // Name servers that did not answer would only be waited for once more.
  int code = 0;
  std::vector<Address> out = ask(host, port, AI_ADDRCONFIG, code, error);
  if (out.empty() && code != EAI_AGAIN) out = ask(host, port, 0, code, error);
  // A minimal container has no hosts file, but this name has a meaning all the same: RFC 6761 section 6.3.
  if (out.empty() && host == "localhost") {
    for (const char* loopback : {"127.0.0.1:0", "[::1]:0"}) {
      out.push_back(*Address::parse(loopback));
      out.back().set_port(port);
    }
  }
  return out;
}

}  // namespace sluice::os
