// Two TLS channels on one loop, and between them a wire in the test's hand: it decides how many bytes pass, looks at
// them, and can put others in their place.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "relay/ends.h"
#include "tls/tls_channel.h"

namespace sluice::testing {

// A context whose certificate was made for this process; nobody verifies it.
inline tls::SslCtxPtr tls_context(bool server, int version, const char* cipher = nullptr) {
  tls::SslCtxPtr context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  if (cipher != nullptr) {
    REQUIRE((version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context.get(), cipher)
                                       : SSL_CTX_set_cipher_list(context.get(), cipher)) == 1);
  }
  if (!server) return context;
  tls::KeyPtr key(EVP_EC_gen("P-256"));
  tls::X509Ptr certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), name);
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  REQUIRE(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("t"), 1);
  return context;
}

// One end: the channel, and what its handler saw.
struct TlsEnd final : relay::ChannelHandler {
  TlsEnd(Worker& worker, observe::Counters& counters, SSL_CTX* context, bool server, os::UniqueFd fd) {
    tls::SslPtr ssl(SSL_new(context));
    server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
    channel = std::make_unique<tls::TlsChannel>(worker.relay, counters, std::move(ssl), false);
    channel->set_handler(*this);
    const bool attached = channel->attach(std::move(fd));
    REQUIRE(attached);
  }
  void on_channel(relay::Channel&) override { ++events; }

  // What can be read now, in calls of `room` bytes. Notes the end, or why there is none.
  std::string read(std::size_t room = 65536) {
    std::string out, into(room, '\0');
    while (!ended && error == 0 && channel->readable()) {
      const os::IoResult got = channel->recv(into);
      if (got.would_block()) break;
      error = got.error;
      ended = got.ok() && got.bytes == 0;
      out.append(into, 0, got.ok() ? got.bytes : 0);
    }
    return out;
  }
  // How much of it the channel took.
  std::size_t write(std::string_view text, bool more = false) {
    const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    const os::IoResult put = channel->send({&piece, 1}, more);
    if (!put.ok() && !put.would_block()) error = put.error;
    return put.ok() ? put.bytes : 0;
  }

  std::unique_ptr<tls::TlsChannel> channel;
  int events = 0;
  bool ended = false;
  int error = 0;
};

struct TlsPair {
  using State = tls::TlsChannel::State;
  struct Way {
    int from, to;
    std::string seen, held;  // all that passed; what waits to pass
    bool open = true, blocked = false, ended = false;
  };

  explicit TlsPair(int version = TLS1_3_VERSION, const char* cipher = nullptr, const relay::Sizes& sizes = {})
      : worker(sizes),
        server_context(tls_context(true, version, cipher)),
        client_context(tls_context(false, version, cipher)) {
    connect();
  }
  void connect() {
    client.reset();
    server.reset();
    int left[2], right[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, left) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, right) == 0);
    server.emplace(worker, counters, server_context.get(), true, os::UniqueFd(left[0]));
    client.emplace(worker, counters, client_context.get(), false, os::UniqueFd(right[0]));
    near = os::UniqueFd(left[1]);
    far = os::UniqueFd(right[1]);
    to_client = {.from = left[1], .to = right[1], .seen = {}, .held = {}};
    to_server = {.from = right[1], .to = left[1], .seen = {}, .held = {}};
  }

  // Lets at most `most` bytes pass each way, then one turn. false: nothing moved.
  bool turn(std::size_t most = std::string::npos) {
    const bool moved = pump(to_client, most) | pump(to_server, most);
    worker.turn();
    return moved;
  }
  // Turns until `done`, or until nothing moves any more.
  bool until(const std::function<bool()>& done, std::size_t most = std::string::npos) {
    for (int quiet = 0; quiet < 4;) {
      if (done()) return true;
      quiet = turn(most) ? 0 : quiet + 1;
    }
    return done();
  }
  bool shake_hands(std::size_t most = std::string::npos) {
    return until([&] { return ready(*server) && ready(*client); }, most) && (settle(), true);
  }
  void settle() {
    (void)until([] { return false; });
  }
  static bool ready(const TlsEnd& end) { return end.channel->state() == State::kReady; }

  // Sends all of it, however long it takes the other end to read; what arrived.
  std::string carry(TlsEnd& from, TlsEnd& to, std::string_view text, std::size_t most = std::string::npos,
                    std::size_t room = 65536) {
    std::string out;
    (void)until(
        [&] {
          if (!text.empty() && from.channel->writable()) text.remove_prefix(from.write(text));
          out += to.read(room);
          return text.empty() && from.channel->finish({}).ok() && false;
        },
        most);
    return out;
  }

  // Puts bytes on the wire that no channel wrote.
  static void inject(const Way& way, std::string_view bytes) {
    REQUIRE(::send(way.to, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }

  Worker worker;
  observe::Counters counters;
  tls::SslCtxPtr server_context, client_context;
  std::optional<TlsEnd> server, client;
  os::UniqueFd near, far;
  Way to_client{}, to_server{};

 private:
  static bool pump(Way& way, std::size_t most) {
    if (way.blocked || !way.open) return false;
    bool moved = false;
    if (way.held.empty() && !way.ended) {
      std::array<char, 65536> bytes;
      const auto got = os::recv_some(way.from, {bytes.data(), std::min(bytes.size(), most)});
      if (got.ok()) way.held.assign(bytes.data(), got.bytes);
      way.ended = (got.ok() && got.bytes == 0) || (!got.ok() && !got.would_block());
    }
    if (!way.held.empty()) {
      const ssize_t n = ::send(way.to, way.held.data(), way.held.size(), MSG_NOSIGNAL);
      if (n > 0) {
        way.seen.append(way.held, 0, static_cast<std::size_t>(n));
        way.held.erase(0, static_cast<std::size_t>(n));
        moved = true;
      }
    } else if (way.ended) {
      ::shutdown(way.to, SHUT_WR);
      way.open = false;
      moved = true;
    }
    return moved;
  }
};

// The records of a stretch of wire: type, and bytes behind the header.
struct TlsRecord {
  int type;
  std::size_t size;
};
inline std::vector<TlsRecord> records(std::string_view wire) {
  std::vector<TlsRecord> out;
  while (wire.size() >= 5) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(wire[i]); };
    const std::size_t size = at(3) * 256U + at(4);
    out.push_back({.type = at(0), .size = size});
    wire.remove_prefix(std::min(wire.size(), 5 + size));
  }
  return out;
}

}  // namespace sluice::testing
