// The end of a connection on which all was said. Closing with unread bytes in the kernel would send RST, and RST
// destroys what the client has not read yet. So: FIN first (shutdown_write), then read and throw away until the client
// closes as well, or a deadline ends it. RFC 9112 section 9.6.
#pragma once

#include "relay/channel.h"

namespace sluice::serve {

// One turn of that. true: it is over, the client has ended too.
bool linger_is_over(relay::Channel& channel) noexcept;

}  // namespace sluice::serve
