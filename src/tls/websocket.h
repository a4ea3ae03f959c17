// The answer to a WebSocket handshake's key. It stands here because SHA-1 does.
//
// Thread   any.
// Source   RFC 6455 section 4.2.2.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tls {

// The value of Sec-WebSocket-Accept; empty where OpenSSL will not do SHA-1.
std::string websocket_accept(std::string_view key);

}  // namespace sluice::tls
