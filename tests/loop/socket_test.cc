#include "loop/socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "catch.h"
#include "os/socket.h"

using namespace sluice;

namespace {

// A socket on a loop, and the other end in the test's hand.
struct Pair : loop::SocketHandler {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    other.reset(ends[1]);
    REQUIRE(socket->attach(loop, os::UniqueFd(ends[0]), *this));
  }
  ~Pair() = default;
  void on_socket(loop::Socket&) override {
    ++events;
    if (then) then();
  }
  // One turn for what the kernel has to say now.
  void turn() {
    loop.post([this] { loop.post([this] { loop.stop(); }); });
    loop.run();
  }
  std::size_t read() {
    std::array<char, 64> bytes;
    return os::recv_some(socket->fd(), bytes).bytes;
  }
  void write(std::string_view text) {
    REQUIRE(::send(other.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0);
  }

  loop::EventLoop loop;
  os::UniqueFd other;
  std::unique_ptr<loop::Socket> socket = std::make_unique<loop::Socket>();
  std::function<void()> then;
  int events = 0;
};

}  // namespace

TEST_CASE("a fresh socket is reported writable, and readable when bytes come", "[socket]") {
  Pair pair;
  CHECK_FALSE(pair.socket->writable());
  pair.turn();
  CHECK(pair.socket->writable());
  CHECK_FALSE(pair.socket->readable());
  pair.write("x");
  pair.turn();
  CHECK(pair.socket->readable());
  CHECK_FALSE(pair.socket->peer_closed());
}

TEST_CASE("readable is remembered until cleared, without another event", "[socket]") {
  Pair pair;
  pair.write("xy");
  pair.turn();
  const int events = pair.events;
  pair.turn();
  CHECK(pair.events == events);  // edge-triggered: an unread byte does not wake the loop again
  CHECK(pair.socket->readable());
  CHECK(pair.read() == 2);
  pair.socket->clear_readable();
  CHECK_FALSE(pair.socket->readable());
  pair.write("z");
  pair.turn();
  CHECK(pair.socket->readable());
}

TEST_CASE("a FIN that came with data keeps the socket readable until the end is read", "[socket]") {
  Pair pair;
  pair.write("last words");
  ::shutdown(pair.other.get(), SHUT_WR);
  pair.turn();
  CHECK(pair.socket->peer_closed());
  CHECK(pair.read() == 10);
  pair.socket->clear_readable();
  CHECK(pair.socket->readable());
  CHECK(pair.read() == 0);
}

// Why socket.h asks readers with nothing left to write to go on to EAGAIN. When this fails, libevent has
// learnt to report it and the comment there can go.
TEST_CASE("a reset that came with data is reported as plain readable", "[socket]") {
  const auto listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), 4);
  REQUIRE(listener.error == 0);
  auto client = os::connect_tcp(os::local_address(listener.fd.get()));
  REQUIRE(client.error == 0);
  struct Ignore : loop::SocketHandler {
    ~Ignore() = default;
    void on_socket(loop::Socket&) override {}
  } ignore;
  Pair pair;
  os::Address peer;
  auto accepted = os::accept_tcp(listener.fd.get(), peer);
  REQUIRE(accepted.error == 0);
  loop::Socket socket;
  REQUIRE(socket.attach(pair.loop, std::move(accepted.fd), ignore));
  REQUIRE(::send(client.fd.get(), "abc", 3, MSG_NOSIGNAL) == 3);
  os::set_reset_on_close(client.fd.get());
  client.fd.reset();
  pair.turn();
  CHECK(socket.readable());
  CHECK_FALSE(socket.peer_closed());
  std::array<char, 64> bytes;
  CHECK(os::recv_some(socket.fd(), bytes).bytes == 3);
  CHECK(os::recv_some(socket.fd(), bytes).error == ECONNRESET);  // not EAGAIN
}

TEST_CASE("the handler may destroy the socket within its callback", "[socket]") {
  Pair pair;
  pair.then = [&] { pair.socket.reset(); };
  pair.write("x");
  pair.turn();
  CHECK(pair.socket == nullptr);
  CHECK(pair.events == 1);
  char byte;
  CHECK(::recv(pair.other.get(), &byte, 1, 0) <= 0);  // its descriptor is closed
}

TEST_CASE("after set_handler events go to the new owner", "[socket]") {
  Pair pair;
  struct Heir : loop::SocketHandler {
    ~Heir() = default;
    void on_socket(loop::Socket&) override { ++events; }
    int events = 0;
  } heir;
  pair.turn();
  const int events = pair.events;
  pair.socket->set_handler(heir);
  pair.write("x");
  pair.turn();
  CHECK(heir.events == 1);
  CHECK(pair.events == events);
}

TEST_CASE("a descriptor that can't be polled is refused and closed", "[socket]") {
  Pair pair;
  FILE* plain = ::tmpfile();
  REQUIRE(plain != nullptr);
  os::UniqueFd file(::dup(::fileno(plain)));
  ::fclose(plain);
  const int number = file.get();
  loop::Socket socket;
  const bool attached = socket.attach(pair.loop, std::move(file), pair);
  CHECK_FALSE(attached);
  CHECK_FALSE(socket.open());
  CHECK(::close(number) == -1);
}

TEST_CASE("a closed socket can be attached again and starts without memory", "[socket]") {
  Pair pair;
  pair.write("x");
  ::shutdown(pair.other.get(), SHUT_WR);
  pair.turn();
  pair.socket->close();
  CHECK_FALSE(pair.socket->open());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  const os::UniqueFd kept(ends[1]);
  REQUIRE(pair.socket->attach(pair.loop, os::UniqueFd(ends[0]), pair));
  CHECK_FALSE(pair.socket->readable());
  CHECK_FALSE(pair.socket->peer_closed());
  pair.turn();
  CHECK(pair.socket->writable());
}

// What a body whose client is slow would otherwise cost: a wake-up for each segment from its server.
TEST_CASE("more to read does not wake the loop while nobody reads, and is heard of again afterwards",
          "[socket]") {
  Pair pair;
  pair.turn();
  const int before = pair.events;
  for (int i = 0; i < 20; ++i) {
    pair.write("more");
    pair.turn();
  }
  CHECK(pair.events - before <= 4);  // the first, two that were needless, and what saying so brought up again
  CHECK(pair.socket->readable());

  while (pair.read() != 0) {
  }
  pair.socket->clear_readable();
  CHECK_FALSE(pair.socket->readable());
  pair.turn();
  CHECK_FALSE(pair.socket->readable());
  pair.write("new");
  pair.turn();
  CHECK(pair.socket->readable());
}

TEST_CASE("bytes that come between the last read and its clearing are heard of", "[socket]") {
  Pair pair;
  for (int i = 0; i < 10; ++i) {
    pair.write("more");
    pair.turn();
  }
  while (pair.read() != 0) {
  }
  pair.write("late");
  pair.socket->clear_readable();
  pair.turn();
  CHECK(pair.socket->readable());
  CHECK(pair.read() == 4);
}

TEST_CASE("a FIN and room to write are heard of by a socket that listens for nothing to read", "[socket]") {
  Pair pair;
  for (int i = 0; i < 10; ++i) {
    pair.write("more");
    pair.turn();
  }
  const std::array<char, 4096> block{};
  while (os::send_some(pair.socket->fd(), std::array{iovec{const_cast<char*>(block.data()), block.size()}},
                       false)
             .ok()) {
  }
  pair.socket->clear_writable();
  std::array<char, 4096> sink;
  while (::recv(pair.other.get(), sink.data(), sink.size(), 0) > 0) {
  }
  pair.turn();
  CHECK(pair.socket->writable());
  ::shutdown(pair.other.get(), SHUT_WR);
  pair.turn();
  CHECK(pair.socket->peer_closed());
}
