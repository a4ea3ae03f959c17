// What a finished handshake tells.
//
// Thread   the connection's.
// Source   RFC 9440 (Client-Cert), RFC 4514 (names as text).
#pragma once

#include <string>
#include <string_view>

#include "observe/counters.h"
#include "tls/openssl.h"

namespace sluice::tls {

std::string_view version_of(const SSL& ssl) noexcept;  // "TLSv1.3"; the library's own text
std::string_view protocol_of(
    const SSL& ssl) noexcept;  // chosen by ALPN; empty: none. Lives as long as `ssl`.
std::string_view server_name_of(const SSL& ssl) noexcept;  // SNI; empty: none. Lives as long as `ssl`.

// The certificate that the client showed; it is trusted, or there would be no connection. Null: none, borrowed.
const X509* client_certificate(const SSL& ssl) noexcept;
// ":base64:", as the field Client-Cert has it. Empty where memory ran out.
std::string client_cert_value(const X509& certificate);
// "CN=ann,O=Example"; what is not ASCII stands in hexadecimal, so that it fits a field.
std::string subject_text(const X509& certificate);

// Once, when the handshake is over, one way or the other.
void count_handshake(const SSL& ssl, bool done, observe::Counters& counters) noexcept;

}  // namespace sluice::tls
