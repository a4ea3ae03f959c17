// A certificate made at start, in memory, for trying things out: nobody vouches for it, so clients have to be told its
// fingerprint, or not to look.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/clock.h"
#include "tls/key_pair.h"

namespace sluice::tls {

// ECDSA on P-256, good for a year. `names`: DNS names and IP addresses; what is neither is left out. Throws TlsError.
std::shared_ptr<const KeyPair> make_self_signed(const std::vector<std::string>& names, os::WallTime now);

// localhost, 127.0.0.1, ::1 and what the machine calls itself.
std::vector<std::string> names_of_this_machine();

}  // namespace sluice::tls
