// Shared connections: who waits, who shares, who is told, and who ends them; against the server's side of a session.
#include "upstream/http2_pool.h"

#include <functional>
#include <list>

#include "http2/session.h"
#include "relay/ends.h"
#include "relay/socket_channel.h"
#include "upstream/connection.h"
#include "upstream/http2_connection.h"

using namespace sluice;
using namespace sluice::testing;
using namespace std::chrono_literals;
using upstream::Connection;
using upstream::Server;

namespace {

// The server's end of one connection. It keeps its streams and answers none.
struct Far final : http2::SessionHandler {
  Far(Worker& worker, os::UniqueFd fd, unsigned most) {
    REQUIRE(channel.attach(worker.loop, std::move(fd)));
    session.emplace(worker.relay, channel, *this, http2::SessionOptions{.streams = most});
  }
  http2::Stream* new_stream() override { return &streams.emplace_back(); }
  void on_session(http2::Session&) override {}
  relay::SocketChannel channel;
  std::list<http2::Stream> streams;
  std::optional<http2::Session> session;
};

struct User final : relay::ChannelHandler {
  void on_channel(relay::Channel&) override {
    ++events;
    if (drops) connection.reset();
  }
  std::unique_ptr<Connection> connection;
  bool drops = false;  // at any news
  int events = 0;
};

struct Fixture {
  Fixture() {
    listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), 16);
    REQUIRE(listener.error == 0);
    config.protocol = config::UpstreamProtocol::kHttp2;
    config.idle_connections = 1;
    make_server();
  }
  ~Fixture() { server->retire(); }
  void make_server() {
    server = std::make_shared<Server>(os::local_address(listener.fd.get()), config, "127.0.0.1", nullptr);
  }

  User& open() {
    User& user = users.emplace_back();
    int error = 0;
    user.connection = Connection::open(means(), server, user, error);
    REQUIRE(error == 0);
    REQUIRE(user.connection != nullptr);
    return user;
  }
  User& find() {
    User& user = users.emplace_back();
    user.connection = Connection::find(means(), server, user, false);
    return user;
  }
  // Accepts what waits, and lets both sides talk.
  void run(unsigned streams = 100) {
    for (int i = 0; i < 10; ++i) {
      os::Address peer;
      if (auto accepted = os::accept_tcp(listener.fd.get(), peer); accepted.fd.valid())
        far.emplace_back(worker, std::move(accepted.fd), streams);
      worker.turn();
    }
  }
  void ask(User& user) {
    CHECK(user.connection
              ->send_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n", upstream::Behind::kNothing, http::Method::kGet)
              .empty());
  }
  upstream::Means means() { return {worker.relay, counters}; }

  Worker worker;
  observe::Counters counters;
  os::SocketOr listener;
  config::Upstream config;
  std::shared_ptr<Server> server;
  std::list<Far> far;
  std::list<User> users;
};

}  // namespace

TEST_CASE("those who wait for a connection share it, and are told when the server has spoken",
          "[http2-pool]") {
  Fixture f;
  User &a = f.open(), &b = f.open();
  CHECK_FALSE(a.connection->shares());
  CHECK(b.connection->shares());
  f.worker.turn();
  CHECK(a.connection->connect_error() == EINPROGRESS);  // connected, but nobody has said SETTINGS
  f.run();
  CHECK(f.far.size() == 1);
  CHECK(a.connection->connect_error() == 0);
  CHECK(b.connection->connect_error() == 0);
  CHECK(a.events == 1);
  CHECK_FALSE(a.connection->reused());
  User& c = f.find();
  REQUIRE(c.connection != nullptr);
  CHECK(c.connection->reused());
  for (User* user : {&a, &b, &c}) f.ask(*user);
  f.run();
  CHECK(f.far.front().streams.size() == 3);
}

TEST_CASE("who finds no room is told to look elsewhere, and the number is remembered", "[http2-pool]") {
  Fixture f;
  User &a = f.open(), &b = f.open();
  f.run(1);
  CHECK(a.connection->connect_error() + b.connection->connect_error() == EAGAIN);
  CHECK(f.find().connection == nullptr);
  User &c = f.open(), &d = f.open();  // now one each
  f.run(1);
  CHECK(f.far.size() == 3);
  CHECK(c.connection->connect_error() == 0);
  CHECK(d.connection->connect_error() == 0);
}

TEST_CASE("idle shared connections: as many as configured, and not for ever", "[http2-pool]") {
  Fixture f;
  f.open();
  f.run(1);
  f.open();
  f.run(1);
  REQUIRE(f.far.size() == 2);
  for (User& user : f.users) user.connection.reset();
  CHECK(f.server->http2().size() == 1);
  CHECK(f.server->idle() == 1);
  f.run();
  CHECK(std::count_if(f.far.begin(), f.far.end(), [](Far& one) { return one.session->peer_leaves(); }) == 1);
  (void)f.worker.loop.deadlines().tick(f.worker.loop.now() + f.config.idle_timeout + 1s);
  CHECK(f.server->http2().size() == 0);
}

TEST_CASE("a GOAWAY takes a connection out of the pool, and leaves its streams alone", "[http2-pool]") {
  Fixture f;
  User& a = f.open();
  f.run();
  f.ask(a);
  f.run();
  f.far.front().session->begin_goaway();
  f.run();
  CHECK(f.find().connection == nullptr);
  CHECK(a.connection->channel().open());
  CHECK_FALSE(a.connection->unprocessed());
  a.connection.reset();  // the last: it closes
  f.run();
  CHECK(f.far.front().session->ended());
}

TEST_CASE("what a GOAWAY overtakes was not acted on", "[http2-pool]") {
  Fixture f;
  User& a = f.open();
  f.run();
  f.far.front().session->end_goaway();
  f.worker.turn();
  f.ask(a);  // in the turn in which the GOAWAY arrives, before anybody has read it
  f.run();
  CHECK(a.connection->unprocessed());
  CHECK_FALSE(a.connection->take_blame());
}

TEST_CASE("a connection that fails is one failure, and may go with the last of its users", "[http2-pool]") {
  Fixture f;
  User &a = f.open(), &b = f.open();
  SECTION("while they wait") { a.drops = b.drops = true; }
  SECTION("while they wait, and stay") {}
  SECTION("while they ask") {
    f.run();
    f.ask(a), f.ask(b);
    f.run();
    a.drops = b.drops = GENERATE(false, true);
  }
  SECTION("while they ask and nobody else holds it") {
    f.run();
    f.ask(a), f.ask(b);
    f.run();
    a.drops = b.drops = true;
    f.server->retire();
  }
  f.far.clear();
  f.listener.fd.reset();
  for (int i = 0; i < 10; ++i) f.worker.turn();
  CHECK(f.server->http2().size() == 0);
  if (a.connection != nullptr) CHECK(a.connection->take_blame() + b.connection->take_blame() == 1);
  if (a.drops) CHECK(a.connection == nullptr);
  f.users.clear();
  CHECK(f.worker.idle());
}

TEST_CASE("a server that answers not even a PING is gone", "[http2-pool]") {
  Fixture f;
  User& a = f.open();
  f.run();
  f.ask(a);
  f.run();
  const auto shared = f.server->http2().find(false);
  REQUIRE(shared != nullptr);
  const auto probe = [&] {
    shared->probe();
    f.run();
  };
  for (int i = 0; i < 5; ++i) probe();
  CHECK_FALSE(a.connection->channel().was_reset());  // it answers
  struct Deaf final : relay::ChannelHandler {
    void on_channel(relay::Channel&) override {}
  } deaf;
  f.far.front().channel.set_handler(deaf);
  for (int i = 0; i < 4; ++i) probe();
  CHECK(a.connection->channel().was_reset());
  CHECK(a.connection->take_blame());
}

TEST_CASE("who waited too long ends the wait of all", "[http2-pool]") {
  Fixture f;
  User &a = f.open(), &b = f.open();
  f.worker.turn();
  Connection::drop(std::move(a.connection), true);
  CHECK(b.connection->connect_error() == ETIMEDOUT);
  CHECK(b.events == 1);
  CHECK(f.server->http2().size() == 0);
}
