// A handshake in memory: two SSLs, each writing into what the other reads.
#pragma once

#include "tls/openssl.h"

namespace sluice::testing {

struct Handshake {
  tls::SslPtr server;
  tls::SslPtr client;
  bool done = false;
  std::string server_error, client_error;  // the library's words, where it failed
};

inline Handshake shake(tls::SslPtr server, tls::SslPtr client) {
  BIO* to_client = nullptr;
  BIO* to_server = nullptr;
  BIO_new_bio_pair(&to_client, 1 << 16, &to_server, 1 << 16);
  SSL_set_bio(server.get(), to_client, to_client);
  SSL_set_bio(client.get(), to_server, to_server);
  Handshake result{.server = std::move(server), .client = std::move(client)};
  const auto step = [](SSL& ssl, std::string& error) {
    ERR_clear_error();
    const int got = SSL_do_handshake(&ssl);
    if (got == 1) return true;
    if (SSL_get_error(&ssl, got) != SSL_ERROR_WANT_READ) error = tls::last_error();
    return false;
  };
  for (int round = 0; round < 10 && !result.done; ++round) {
    const bool client_done = step(*result.client, result.client_error);
    const bool server_done = step(*result.server, result.server_error);
    result.done = client_done && server_done;
    if (!result.server_error.empty() && !result.client_error.empty()) break;
  }
  if (result.done) {
    char
        none;  // the tickets of TLS 1.3 arrive with the first read; so does word of a refused client certificate
    if (SSL_read(result.client.get(), &none, 1) < 0) result.client_error = tls::last_error();
    if (result.client_error == "no reason given") result.client_error.clear();
  }
  return result;
}

}  // namespace sluice::testing
