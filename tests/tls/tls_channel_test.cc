#include "tls/tls_channel.h"

#include <cerrno>
#include <utility>

#include "tls/peers.h"

using namespace sluice;
using namespace sluice::testing;
using tls::RecordSize;
using tls::TlsChannel;

namespace {

constexpr std::size_t kSome = 3;  // bytes a turn: a handshake of 2 KB in a blink

std::size_t overhead_of(int version) { return version == TLS1_3_VERSION ? 17 : 24; }  // AES-GCM

}  // namespace

TEST_CASE("hands are shaken and bytes out are bytes in, whatever the version and the pace", "[tls-channel]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const std::string body = pattern(400'000), back = pattern(150'000, 8);
  TlsPair pair(version);
  REQUIRE(pair.shake_hands(kSome));
  CHECK(SSL_version(pair.server->channel->ssl()) == version);
  CHECK(pair.server->events >= 1);
  CHECK(pair.client->channel->connect_error() == 0);
  for (const std::size_t most : {std::string::npos, std::size_t{20'000}, std::size_t{1000}}) {
    INFO(most << " bytes a turn");
    CHECK((pair.carry(*pair.server, *pair.client, body, most) == body));
    CHECK((pair.carry(*pair.client, *pair.server, back, most, 700) == back));
  }
  CHECK((pair.carry(*pair.server, *pair.client, "one by one", 1) == "one by one"));
  CHECK(pair.worker.idle());
}

TEST_CASE("while hands are shaken nothing can be read or written", "[tls-channel]") {
  TlsPair pair;
  pair.to_client.blocked = true;
  pair.settle();
  for (TlsEnd* end : {&*pair.server, &*pair.client}) {
    CHECK(end->channel->state() == TlsChannel::State::kHandshaking);
    CHECK_FALSE(end->channel->readable());
    CHECK_FALSE(end->channel->writable());
    CHECK(end->channel->connect_error() == EINPROGRESS);
    CHECK(end->events == 0);
  }
  pair.to_client.blocked = false;
  CHECK(pair.shake_hands());
}

TEST_CASE("records are small at first, full later, and small again after a pause", "[tls-channel]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  REQUIRE(pair.shake_hands());
  pair.to_client.seen.clear();
  const std::string body = pattern(300'000);
  CHECK((pair.carry(*pair.server, *pair.client, body) == body));
  const auto made = records(pair.to_client.seen);
  REQUIRE(made.size() > 20);
  std::size_t payload = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    INFO("record " << i << " after " << payload << " bytes");
    CHECK(made[i].type == SSL3_RT_APPLICATION_DATA);
    const std::size_t size = made[i].size - overhead_of(version);
    const std::size_t most = payload < RecordSize::kFirstUntil    ? RecordSize::kFirst
                             : payload < RecordSize::kMiddleUntil ? RecordSize::kMiddle
                                                                  : RecordSize::kFull;
    CHECK(size <= most);
    payload += size;
  }
  CHECK(payload == body.size());
  const auto full = [&](const TlsRecord& r) { return r.size == RecordSize::kFull + overhead_of(version); };
  CHECK(std::count_if(made.begin(), made.end(), full) >= 12);
}

TEST_CASE("the size of records by time and count", "[tls-channel]") {
  RecordSize size;
  os::Time now = os::now();
  CHECK(size.next(now) == RecordSize::kFirst);
  size.sent(RecordSize::kFirstUntil, now);
  CHECK(size.next(now) == RecordSize::kMiddle);
  size.sent(RecordSize::kMiddleUntil, now);
  CHECK(size.next(now) == RecordSize::kFull);
  now += RecordSize::kPause;
  CHECK(size.next(now) == RecordSize::kFull);
  now += std::chrono::milliseconds(1);
  CHECK(size.next(now) == RecordSize::kFirst);
}

TEST_CASE("a head and the first bytes of its body share a record", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.to_client.seen.clear();
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n", body = "hello", empty;
  std::array<iovec, 3> pieces;
  for (std::size_t i = 0; const std::string* part : {&head, &empty, &body})
    pieces[i++] = {.iov_base = const_cast<char*>(part->data()), .iov_len = part->size()};
  CHECK(pair.server->channel->send(pieces, false).bytes == head.size() + body.size());
  pair.settle();
  CHECK(records(pair.to_client.seen).size() == 1);
  CHECK(pair.client->read() == head + body);
}

TEST_CASE("what is promised company waits for it, but not for long", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  const auto arrived = [&] {
    std::array<char, 64> some;
    return os::peek(pair.to_client.from, some).ok();
  };
  CHECK(pair.server->write("head", true) == 4);
  CHECK(pair.server->channel->writable());
  CHECK_FALSE(arrived());
  CHECK(pair.server->write("body", false) == 4);
  CHECK(arrived());
  pair.settle();
  CHECK(pair.client->read() == "headbody");
  CHECK(pair.server->write("promise", true) == 7);  // and nothing follows
  CHECK_FALSE(arrived());
  CHECK((pair.settle(), pair.client->read() == "promise"));
  CHECK(pair.worker.idle());
}

TEST_CASE("a full sink holds one block at most, which leaves by itself", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.to_client.blocked = true;
  const std::string body = pattern(8'000'000);
  std::size_t taken = 0;
  while (pair.server->channel->writable()) taken += pair.server->write(std::string_view(body).substr(taken));
  REQUIRE(taken < body.size());
  CHECK(pair.server->write("x") == 0);
  CHECK(pair.worker.relay.buffers_in_use() == 1);
  CHECK(pair.server->channel->finish({}).would_block());
  const int events = pair.server->events;
  pair.to_client.blocked = false;
  std::string got;
  CHECK(pair.until([&] {
    got += pair.client->read();
    return got.size() == taken;
  }));
  CHECK((got == std::string_view(body).substr(0, taken)));
  CHECK(pair.server->events > events);
  CHECK(pair.server->channel->writable());
  CHECK(pair.server->channel->finish({}).ok());
  CHECK(pair.worker.idle());
}

TEST_CASE("a small block carries large bodies, too", "[tls-channel]") {
  TlsPair pair(TLS1_3_VERSION, nullptr, {.relay = 4_KiB});
  REQUIRE(pair.shake_hands());
  const std::string body = pattern(200'000);
  CHECK((pair.carry(*pair.server, *pair.client, body) == body));
}

TEST_CASE("close_notify ends one direction, and the other goes on", "[tls-channel]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  REQUIRE(pair.shake_hands());
  CHECK(pair.client->write("last words") == 10);
  pair.client->channel->shutdown_write();
  pair.settle();
  CHECK(pair.server->read() == "last words");
  CHECK(pair.server->ended);
  CHECK(pair.server->channel->peer_closed());
  const std::string body = pattern(100'000);
  CHECK((pair.carry(*pair.server, *pair.client, body) == body));
  CHECK(pair.client->write("more") == 0);
  CHECK(std::exchange(pair.client->error, 0) == EPIPE);
  pair.server->channel->close(relay::Close::kClean);
  pair.settle();
  (void)pair.client->read();
  CHECK(pair.client->ended);
}

TEST_CASE("a FIN goes out behind the last record, however long that takes", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.to_client.blocked = true;
  const std::string body = pattern(4'000'000);
  std::size_t taken = 0;
  while (pair.server->channel->writable()) taken += pair.server->write(std::string_view(body).substr(taken));
  pair.server->channel->shutdown_write();
  CHECK(pair.server->channel->finish({}).would_block());
  pair.to_client.blocked = false;
  std::string got;
  CHECK(pair.until([&] {
    got += pair.client->read();
    return pair.client->ended;
  }));
  CHECK((got == std::string_view(body).substr(0, taken)));
  pair.settle();
  CHECK_FALSE(pair.to_client.open);  // the FIN
}

TEST_CASE("an end without close_notify is a cut", "[tls-channel]") {
  const auto how = GENERATE(relay::Close::kCut, relay::Close::kReset);
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  CHECK(pair.server->write("half of it") == 10);
  pair.server->channel->close(how);
  pair.settle();
  CHECK(pair.client->read() == "half of it");
  CHECK_FALSE(pair.client->ended);
  CHECK(pair.client->error == ECONNRESET);
  CHECK(pair.client->channel->readable());  // whoever asks later is told, too
  pair.client->error = 0;
  CHECK(pair.client->read().empty());
  CHECK(pair.client->error == ECONNRESET);
}

TEST_CASE("a bare FIN in the middle of a record is a cut", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.inject(pair.to_server, std::string_view("\x17\x03\x03\x00\x50half", 9));
  ::shutdown(pair.to_server.to, SHUT_WR);
  pair.worker.turn();
  CHECK(pair.server->read().empty());
  CHECK(pair.server->error == ECONNRESET);
}

TEST_CASE("junk after the handshake is EPROTO, and the peer is told", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.inject(pair.to_server, std::string_view("\x17\x03\x03\x00\x20"
                                               "01234567890123456789012345678901",
                                               37));
  pair.worker.turn();
  CHECK(pair.server->read().empty());
  CHECK(pair.server->error == EPROTO);
  CHECK(pair.server->channel->failed());
  CHECK(pair.server->write("x") == 0);
  pair.settle();
  (void)pair.client->read();
  CHECK(pair.client->error == EPROTO);  // its alert
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("a handshake that fails says why", "[tls-channel]") {
  TlsPair pair;
  const auto failed = [&] { return pair.server->channel->state() == TlsChannel::State::kFailed; };
  SECTION("junk") {
    pair.inject(pair.to_server, "this is no TLS at all");
    pair.worker.turn();
    REQUIRE(failed());
    CHECK_FALSE(pair.server->channel->failure().empty());
    CHECK(pair.server->channel->connect_error() == EPROTO);
  }
  SECTION("the peer leaves") {
    ::shutdown(pair.to_server.to, SHUT_WR);
    pair.worker.turn();
    REQUIRE(failed());
    CHECK(pair.server->channel->failure().empty());
    CHECK(pair.server->channel->connect_error() == ECONNRESET);
  }
  SECTION("no common version") {
    SSL_CTX_set_max_proto_version(pair.client_context.get(), TLS1_2_VERSION);
    SSL_CTX_set_min_proto_version(pair.client_context.get(), TLS1_2_VERSION);
    pair.connect();
    CHECK(pair.until(failed));
    CHECK(pair.server->channel->failure().find("protocol") != std::string::npos);
    pair.settle();
    CHECK(pair.client->channel->state() == TlsChannel::State::kFailed);  // by an alert
    CHECK(pair.client->channel->failure().find("alert") != std::string::npos);
  }
  SECTION("a certificate that is not trusted") {
    SSL_CTX_set_verify(pair.client_context.get(), SSL_VERIFY_PEER, nullptr);
    pair.connect();
    pair.settle();
    CHECK(pair.client->channel->state() == TlsChannel::State::kFailed);
    CHECK(pair.client->channel->failure().find("self-signed") != std::string::npos);
    CHECK(pair.client->channel->connect_error() == EPROTO);
  }
  CHECK_FALSE(pair.server->channel->writable());
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("HTTP without TLS is heard as such, and can be answered", "[tls-channel]") {
  TlsPair pair;
  pair.inject(pair.to_server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  pair.worker.turn();
  REQUIRE(pair.server->channel->state() == TlsChannel::State::kPlainHttp);
  CHECK(pair.server->channel->sink_kind() == relay::SinkKind::kPlainSocket);
  CHECK(pair.server->channel->writable());
  CHECK(pair.server->write("HTTP/1.1 400 Bad Request\r\n\r\n") == 28);
  pair.server->channel->shutdown_write();
  std::array<char, 64> some;
  const auto got = os::recv_some(pair.to_client.from, some);
  CHECK(std::string_view(some.data(), got.bytes) == "HTTP/1.1 400 Bad Request\r\n\r\n");
  pair.inject(pair.to_server, "more of it");
  pair.worker.turn();
  CHECK(pair.server->read() == "more of it");  // to be thrown away
}

TEST_CASE("a part of a record is nothing to read, and is not asked about again and again", "[tls-channel]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  REQUIRE(pair.shake_hands());
  CHECK(pair.client->write("a record") == 8);
  CHECK(pair.turn(10));
  CHECK(pair.server->channel->readable());
  CHECK(pair.server->read().empty());
  CHECK_FALSE(pair.server->channel->readable());
  pair.server->channel->clear_readable();
  pair.settle();
  CHECK(pair.server->channel->readable());
  CHECK(pair.server->read() == "a record");
  CHECK_FALSE(pair.server->channel->readable());
}

TEST_CASE("records that were read ahead stay readable without another event", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  for (const char* text : {"one", "two", "three"})
    CHECK(pair.client->write(text) == std::string_view(text).size());
  pair.settle();
  std::array<char, 2> small;
  CHECK(pair.server->channel->recv(small).bytes == 2);
  pair.server->channel->clear_readable();  // no effect: more is here
  CHECK(pair.server->channel->readable());
  CHECK(pair.server->read(5) == "etwothree");
  pair.server->channel->clear_readable();
  CHECK_FALSE(pair.server->channel->readable());
}

TEST_CASE("one recv takes many records", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  const std::string body = pattern(60'000);
  CHECK(pair.client->write(body) == body.size());
  pair.settle();
  std::string into(65536, '\0');
  CHECK(pair.server->channel->recv(into).bytes == body.size());
}

TEST_CASE("an idle client connection is silent although tickets arrive", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  CHECK(pair.client->channel->readable());  // they are here
  CHECK(pair.client->channel->silent());
  CHECK_FALSE(pair.client->channel->readable());
  CHECK_FALSE(pair.client->channel->peer_closed());
  SECTION("until bytes come") {
    CHECK(pair.server->write("unasked") == 7);
    pair.settle();
    CHECK_FALSE(pair.client->channel->silent());
    CHECK(pair.client->read() == "unasked");
  }
  SECTION("until it ends") {
    pair.server->channel->close(relay::Close::kClean);
    pair.settle();
    CHECK_FALSE(pair.client->channel->silent());
    CHECK(pair.client->channel->peer_closed());
  }
}

TEST_CASE("keys change within reason", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  SSL* ssl = pair.client->channel->ssl();
  const std::string body = pattern(30'000);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK((pair.carry(*pair.client, *pair.server, body) == body));
    CHECK((pair.carry(*pair.server, *pair.client, body) == body));
  }
  CHECK(pair.counters.tls_key_updates.read() == 10);  // asked five times, answered five times
  for (unsigned i = 0; i <= TlsChannel::kKeyUpdates && pair.server->error == 0; ++i) {
    REQUIRE(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    pair.client->write("x");
    pair.turn();
    (void)pair.server->read();
  }
  CHECK(pair.server->error == EPROTO);
  CHECK(pair.server->channel->failed());
}

TEST_CASE("renegotiation is refused", "[tls-channel]") {
  TlsPair pair(TLS1_2_VERSION);
  REQUIRE(pair.shake_hands());
  SSL_clear_options(pair.client->channel->ssl(), SSL_OP_NO_RENEGOTIATION);
  CHECK(SSL_renegotiate(pair.client->channel->ssl()) == 1);
  (void)SSL_do_handshake(pair.client->channel->ssl());
  pair.client->channel->shutdown_write();  // what OpenSSL wrote leaves
  pair.settle();
  CHECK(pair.server->read().empty());
  pair.settle();
  const auto told = records(pair.to_client.seen);
  CHECK(told.back().type == SSL3_RT_ALERT);
  CHECK((pair.server->channel->state() == TlsChannel::State::kReady));
}

TEST_CASE("a session outlives the connection that it came from, even one that was cut", "[tls-channel]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsPair pair(version);
  REQUIRE(pair.shake_hands());
  CHECK((pair.carry(*pair.server, *pair.client, "hello") == "hello"));
  const tls::SessionPtr session(SSL_get1_session(pair.client->channel->ssl()));
  pair.client->channel->close(relay::Close::kCut);
  pair.connect();
  REQUIRE(SSL_set_session(pair.client->channel->ssl(), session.get()) == 1);
  REQUIRE(pair.shake_hands());
  CHECK(SSL_session_reused(pair.client->channel->ssl()) == 1);
}

TEST_CASE("a body goes from TLS to TLS through a transfer", "[tls-channel]") {
  const std::string body = pattern(500'000);
  TlsPair in, out;
  REQUIRE(in.shake_hands());
  REQUIRE(out.shake_hands());
  // Both pairs have loops of their own; the transfer belongs to the first one's pools.
  relay::StreamTransfer transfer(in.worker.relay, {.in = relay::Shape::kUntilClose});
  relay::Buffer held;
  std::string_view left = body;
  std::string got;
  Step step = Step::kMoved;
  for (int i = 0; i < 10'000 && goes_on(step); ++i) {
    if (!left.empty() && in.client->channel->writable())
      left.remove_prefix(in.client->write(left.substr(0, 30'000)));
    if (left.empty()) in.client->channel->shutdown_write();
    in.turn();
    out.turn();
    step = transfer.step(*in.server->channel, held, *out.server->channel, 100'000).step;
    got += out.client->read();
  }
  out.settle();
  got += out.client->read();
  CHECK(step == Step::kDone);
  CHECK((got == body));
  CHECK(transfer.choice() == relay::Choice{relay::Strategy::kBuffered, relay::Reason::kEncrypted});
  CHECK(in.worker.idle());
  CHECK(out.worker.idle());
}

TEST_CASE("a body that TLS cuts short is cut short", "[tls-channel]") {
  TlsPair in, out;
  REQUIRE(in.shake_hands());
  REQUIRE(out.shake_hands());
  relay::StreamTransfer transfer(in.worker.relay, {.in = relay::Shape::kUntilClose});
  relay::Buffer held;
  CHECK(in.client->write("half of it") == 10);
  in.client->channel->close(relay::Close::kCut);
  in.settle();
  Step step = Step::kMoved;
  for (int i = 0; i < 10 && goes_on(step); ++i)
    step = transfer.step(*in.server->channel, held, *out.server->channel, 1000).step;
  CHECK(step == Step::kSourceFailed);
}

TEST_CASE("what came of a body is delivered before it is cut", "[tls-channel]") {
  TlsPair pair;
  REQUIRE(pair.shake_hands());
  pair.to_client.blocked = true;
  End source(pair.worker, Transport::kUnix);
  const std::string part = pattern(9'000);
  relay::StreamTransfer transfer(pair.worker.relay, {.in = relay::Shape::kLength, .length = 100'000'000});
  std::string sent, got;
  const auto step = [&] {
    pair.turn();
    got += pair.client->read();
    return transfer.step(source.socket, source.held, *pair.server->channel, 1_MiB).step;
  };
  while (pair.server->channel->writable()) {  // until records wait in the channel
    REQUIRE(source.write(part) == part.size());
    sent += part;
    REQUIRE(goes_on(step()));
  }
  source.finish();
  CHECK(step() == Step::kSinkFull);
  pair.to_client.blocked = false;
  Step last = Step::kSinkFull;
  for (int i = 0; i < 100 && goes_on(last); ++i) last = step();
  CHECK(last == Step::kTruncated);
  pair.server->channel->close(relay::Close::kCut);
  pair.settle();
  got += pair.client->read();
  CHECK((got == sent));
  CHECK(pair.client->error == ECONNRESET);
}
