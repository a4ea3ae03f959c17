#include "serve/linger.h"

#include <array>

namespace sluice::serve {

bool linger_is_over(relay::Channel& channel) noexcept {
  std::array<char, 16384> waste;
  for (int i = 0; i < 64 && channel.readable(); ++i) {  // bounded: others want their turn
    const os::IoResult got = channel.recv(waste);
    if (got.would_block()) return false;
    if (!got.ok() || got.bytes == 0) return true;
  }
  return channel.peer_closed();
}

}  // namespace sluice::serve
