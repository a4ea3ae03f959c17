#include "upstream/connection.h"

#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;
using namespace std::chrono_literals;
using upstream::Connection;
using upstream::Server;

namespace {

// A server of the test's own to connect to, and the connection's user.
struct Fixture : relay::ChannelHandler {
  Fixture() {
    listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), 16);
    REQUIRE(listener.error == 0);
    config.idle_connections = 2;
    server = std::make_shared<Server>(os::local_address(listener.fd.get()), config);
  }
  ~Fixture() { server->retire(); }
  void on_channel(relay::Channel&) override { ++events; }

  // A connected one; its far end is in `far`, the last accepted last.
  std::unique_ptr<Connection> connect() {
    int error = 0;
    auto connection = Connection::open({worker.relay, counters}, server, *this, error);
    REQUIRE(error == 0);
    REQUIRE(connection != nullptr);
    os::Address peer;
    far.push_back(os::accept_tcp(listener.fd.get(), peer).fd);
    REQUIRE(far.back().valid());
    worker.turn();
    REQUIRE(connection->channel().writable());
    REQUIRE(connection->channel().connect_error() == 0);
    return connection;
  }
  void say(const os::UniqueFd& fd, std::string_view text) {
    REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  // True when the far end sees that the connection was closed.
  bool closed(const os::UniqueFd& fd) {
    char byte;
    const auto got = os::recv_some(fd.get(), {&byte, 1});
    return !got.would_block();
  }

  Worker worker;
  observe::Counters counters;
  os::SocketOr listener;
  config::Upstream config;
  std::shared_ptr<Server> server;
  std::vector<os::UniqueFd> far;
  int events = 0;
};

}  // namespace

TEST_CASE("a kept connection is used again, the last one first", "[connection]") {
  Fixture f;
  auto a = f.connect(), b = f.connect();
  Connection *const first = a.get(), *const second = b.get();
  CHECK_FALSE(a->reused());
  Connection::keep(std::move(a));
  Connection::keep(std::move(b));
  CHECK(f.server->idle() == 2);
  f.worker.turn();
  CHECK(f.server->idle() == 2);
  auto again = f.server->take_idle();
  CHECK(again.get() == second);
  CHECK(again->reused());
  CHECK(again->is_alive());
  CHECK(f.server->take_idle().get() == first);  // ... and closes it here
  CHECK(f.server->take_idle() == nullptr);

  // In use again, it reports to its new user and no longer to the pool.
  again->use_by(f);
  const int events = f.events;
  f.say(f.far[1], "response");
  f.worker.turn();
  CHECK(f.events > events);
  CHECK(again->channel().readable());
}

TEST_CASE("what an idle connection says unasked, its end and its reset drop it", "[connection]") {
  enum class News { kByte, kFin, kReset, kByteAndFin };
  const News news = GENERATE(values({News::kByte, News::kFin, News::kReset, News::kByteAndFin}));
  const bool before = GENERATE(false, true);  // it happened before the connection became idle
  INFO("news " << static_cast<int>(news) << ", before " << before);
  Fixture f;
  auto connection = f.connect();
  auto other = f.connect();
  Connection::keep(std::move(other));
  if (!before) Connection::keep(std::move(connection));
  if (news == News::kByte || news == News::kByteAndFin) f.say(f.far[0], "x");
  if (news == News::kFin || news == News::kByteAndFin) ::shutdown(f.far[0].get(), SHUT_WR);
  if (news == News::kReset) {
    os::set_reset_on_close(f.far[0].get());
    f.far[0].reset();
  }
  f.worker.turn();
  if (before) {
    CHECK_FALSE(connection->is_alive());  // NOLINT(bugprone-use-after-move): it was kept only if not `before`
    Connection::keep(std::move(connection));
  }
  CHECK(f.server->idle() == 1);  // the other one stays
  if (f.far[0].valid()) CHECK(f.closed(f.far[0]));
  CHECK_FALSE(f.closed(f.far[1]));
}

TEST_CASE("news that the loop has not heard yet shows when asked", "[connection]") {
  Fixture f;
  auto connection = f.connect();
  CHECK(connection->is_alive());
  f.say(f.far[0], "x");
  CHECK(connection->is_clean());  // as far as was heard
  CHECK_FALSE(connection->is_alive());
}

TEST_CASE("an idle connection's news is heard before the news that would use it", "[connection]") {
  struct Asker final : relay::ChannelHandler {
    explicit Asker(Server& s) : server(s) {}
    void on_channel(relay::Channel&) override {
      asked = true;
      found = server.take_idle();
    }
    Server& server;
    bool asked = false;
    std::unique_ptr<Connection> found;
  };
  Fixture f;
  auto idle = f.connect(), busy = f.connect();
  Connection::keep(std::move(idle));
  Asker asker(*f.server);
  busy->use_by(asker);
  f.say(f.far[1], "a request");  // first, as the kernel tells it
  f.say(f.far[0], "unasked");
  f.worker.turn();
  CHECK(asker.asked);
  CHECK(asker.found == nullptr);
}

TEST_CASE("a connection that was readable is kept only if nothing is there", "[connection]") {
  Fixture f;
  auto connection = f.connect();
  f.say(f.far[0], "response");
  f.worker.turn();
  char bytes[8];
  REQUIRE(connection->channel().recv(bytes).bytes == 8);  // exactly: the flag stays
  REQUIRE(connection->channel().readable());
  SECTION("nothing") {
    Connection::keep(std::move(connection));
    CHECK(f.server->idle() == 1);
    f.worker.turn();
    CHECK(f.server->idle() == 1);
    f.say(f.far[0], "x");  // the edge is still heard
    f.worker.turn();
    CHECK(f.server->idle() == 0);
  }
  SECTION("one byte more") {
    f.say(f.far[0], "x");
    Connection::keep(std::move(connection));
    CHECK(f.server->idle() == 0);
  }
}

TEST_CASE("no more than configured are kept, and an idle one not for ever", "[connection]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.connect();  // closed at once
  std::vector<std::unique_ptr<Connection>> three;
  for (int i = 0; i < 3; ++i) three.push_back(f.connect());
  for (auto& connection : three) Connection::keep(std::move(connection));
  CHECK(f.server->idle() == 2);
  CHECK(f.closed(f.far[5]));
  CHECK_FALSE(f.closed(f.far[4]));

  const os::Time now = f.worker.loop.now();
  auto taken = f.server->take_idle();  // its deadline goes with the pool
  (void)f.worker.loop.deadlines().tick(now + f.config.idle_timeout + 1s);
  CHECK(f.server->idle() == 0);
  CHECK(f.closed(f.far[3]));
  CHECK_FALSE(f.closed(f.far[4]));
}

TEST_CASE("a retired server closes what is idle and keeps nothing more", "[connection]") {
  Fixture f;
  auto in_use = f.connect();
  Connection::keep(f.connect());
  f.server->retire();
  CHECK(f.server->idle() == 0);
  CHECK(f.closed(f.far[1]));
  CHECK(in_use->is_alive());
  Connection::keep(std::move(in_use));
  CHECK(f.server->idle() == 0);
  CHECK(f.closed(f.far[0]));
}

TEST_CASE("a server outlives its group as long as a connection is in use", "[connection]") {
  Fixture f;
  auto in_use = f.connect();
  const std::weak_ptr<Server> watched = f.server;
  f.server->retire();
  auto another = std::make_shared<Server>(f.server->address(), f.config);
  f.server = another;
  CHECK_FALSE(watched.expired());
  CHECK(in_use->server().name() == another->name());
  Connection::keep(std::move(in_use));
  CHECK(watched.expired());  // no cycle is left
}

TEST_CASE("a refused connection says why", "[connection]") {
  Fixture f;
  const auto server = std::make_shared<Server>(f.server->address(), f.config);
  f.listener.fd.reset();
  int error = 0;
  auto connection = Connection::open({f.worker.relay, f.counters}, server, f, error);
  if (connection != nullptr) {
    f.worker.turn();
    error = connection->channel().connect_error();
  }
  CHECK(error == ECONNREFUSED);
}
