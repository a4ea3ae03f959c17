// Names to addresses, by the system's own rules (hosts file, resolv.conf). Blocks: offload threads only.
#pragma once

#include <string>
#include <vector>

#include "os/address.h"

namespace sluice::os {

// Empty with the reason in `error` when there is none. Source: getaddrinfo(3).
std::vector<Address> resolve(const std::string& host, std::uint16_t port, std::string& error);

}  // namespace sluice::os
