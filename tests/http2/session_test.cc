// Both roles of a session, one against the other over a socket of the kernel's.
#include "http2/session.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "catch.h"
#include "relay/ends.h"
#include "relay/socket_channel.h"
#include "relay/wrapped_channel.h"

namespace sluice::http2 {
namespace {

using testing::pattern;
using testing::Worker;

// A stream in a test's hands: what came is kept, what to do with news is the test's.
struct Party final : relay::ChannelHandler {
  Party() { stream.set_handler(*this); }
  void on_channel(relay::Channel&) override {
    if (on_news) on_news();
  }
  // Reads all there is.
  void read() {
    std::array<char, 5000> some;
    for (;;) {
      const os::IoResult got = stream.recv(some);
      if (got.would_block()) return;
      if (!got.ok()) {
        error = got.error;
        return;
      }
      if (got.bytes == 0) {
        ended = true;
        return;
      }
      text.append(some.data(), got.bytes);
    }
  }
  // Sends what is taken of `rest`; true when all is.
  bool write(std::string_view& rest) {
    while (!rest.empty()) {
      const iovec piece{.iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size()};
      const os::IoResult put = stream.send({&piece, 1}, false);
      if (!put.ok()) return false;
      rest.remove_prefix(put.bytes);
    }
    return true;
  }

  std::function<void()> on_news;
  std::string text;
  bool ended = false;
  int error = 0;
  Stream stream;
};

// Passes on what it gets; or plays a client that asks without end and reads as fast as can be.
class Transport final : public testing::WrappedChannel {
 public:
  using WrappedChannel::WrappedChannel;
  std::size_t sip = std::string::npos;  // received in one call
  bool swallows = false;                // what is sent

  os::IoResult recv(std::span<char> into) noexcept override {
    return below_.recv(into.first(std::min(into.size(), sip)));
  }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override {
    if (!swallows) return below_.send(pieces, more);
    std::size_t all = 0;
    for (const iovec& piece : pieces) all += piece.iov_len;
    return {.bytes = all};
  }
};

struct Side final : SessionHandler {
  Side(Worker& worker, int fd, const SessionOptions& options) {
    REQUIRE(channel.attach(worker.loop, os::UniqueFd(fd)));
    session = std::make_unique<Session>(worker.relay, transport, *this, options);
  }
  Stream* new_stream() override {
    if (refuses) return nullptr;
    parties.emplace_back();
    Party& party = parties.back();
    party.on_news = [this, &party] {
      if (relay::Buffer head = party.stream.take_head(); !head.empty()) party.text = head.view();
      if (on_request) on_request(party);
    };
    return &party.stream;
  }
  void on_session(Session&) override { ++turns; }

  relay::SocketChannel channel;
  Transport transport{channel};
  unsigned turns = 0;
  std::list<Party> parties;
  std::function<void(Party&)> on_request;
  bool refuses = false;
  std::unique_ptr<Session> session;
};

struct Pair {
  explicit Pair(int send_buffer = 0, SessionOptions server_options = {}, const relay::Sizes& sizes = {})
      : worker(sizes) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    if (send_buffer != 0) ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    server = std::make_unique<Side>(worker, ends[0], server_options);
    client = std::make_unique<Side>(worker, ends[1], SessionOptions{.role = Role::kClient});
    run_until([&] { return client->session->settings_acked() && server->session->settings_acked(); });
  }
  // Turns of the loop until `done`, or until it is plain that it will not be.
  template <typename Done>
  bool run_until(Done done) {
    for (int i = 0; i < 2000; ++i) {
      if (done()) return true;
      worker.turn();
    }
    return done();
  }
  Party& ask(std::string_view head, Follows follows = Follows::kNothing,
             http::Method method = http::Method::kGet) {
    asked.emplace_back();
    Party& party = asked.back();
    party.on_news = [&party] { party.read(); };
    REQUIRE(client->session->open(party.stream));
    REQUIRE(party.stream.send_head(head, follows, method));
    return party;
  }

  Worker worker;
  std::unique_ptr<Side> server, client;
  std::list<Party> asked;
};

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_CASE("a request and its response cross as text, and a known length ends the stream by itself",
          "[http2]") {
  Pair pair;
  pair.server->on_request = [](Party& party) {
    if (party.stream.was_reset()) return;
    CHECK(party.text == "GET /a HTTP/1.1\r\nhost: h\r\n\r\n");
    CHECK(party.stream.peer_closed());
    REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Follows::kBody));
    std::string_view body = "hello";
    CHECK(party.write(body));
    CHECK(party.stream.finish({}).ok());
    party.stream.close(relay::Close::kClean);
  };
  Party& party = pair.ask(kGet);
  CHECK(pair.run_until([&] { return party.ended; }));
  CHECK(party.text == "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello");
  CHECK(party.error == 0);
  party.stream.close(relay::Close::kClean);
  CHECK(pair.client->session->streams() == 0);
  CHECK(pair.server->session->streams() == 0);
}

TEST_CASE("a body without length ends by its end, with trailers where there are some", "[http2]") {
  Pair pair;
  pair.server->on_request = [](Party& party) {
    REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Follows::kBody));
    std::string_view body = "hello";
    CHECK(party.write(body));
    CHECK(party.stream.finish("X-Sum: 7\r\n").ok());
    party.stream.close(relay::Close::kClean);
  };
  Party& party = pair.ask(kGet);
  CHECK(pair.run_until([&] { return party.ended; }));
  CHECK(party.text == "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\nhello");
  CHECK(party.stream.trailers() == "x-sum: 7\r\n");
}

// The same bytes by each way in, through a socket that takes little at a time: what a frame announced is what comes,
// wherever the transport stopped.
TEST_CASE("payload from memory, pipe and file arrives whole through a narrow socket", "[http2]") {
  const auto way = GENERATE(0, 1, 2);
  const auto size = GENERATE(std::size_t{1}, std::size_t{16384}, std::size_t{16385}, std::size_t{400000});
  CAPTURE(way, size);
  Pair pair(8192);
  const std::string all = pattern(size);
  std::string name = "/tmp/sluice-http2-XXXXXX";
  os::UniqueFd file(::mkstemp(name.data()));
  REQUIRE(file.valid());
  ::unlink(name.c_str());
  REQUIRE(::pwrite(file.get(), all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
  int error = 0;
  os::Pipe pipe = os::Pipe::open(65536, error);
  std::size_t piped = 0, sent = 0;
  bool begun = false;
  pair.server->on_request = [&](Party& party) {
    if (!std::exchange(begun, true)) {
      REQUIRE(party.stream.send_head(
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n", Follows::kBody));
    }
    while (sent < size) {
      os::IoResult put;
      if (way == 0) {
        std::string_view rest = std::string_view(all).substr(sent, 70000);
        const iovec pieces[] = {{.iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size() / 3},
                                {.iov_base = const_cast<char*>(rest.data()) + rest.size() / 3,
                                 .iov_len = rest.size() - rest.size() / 3}};
        put = party.stream.send(pieces, false);
      } else if (way == 1) {
        if (pipe.pending() == 0) {
          const ssize_t n =
              ::write(pipe.write_fd(), all.data() + piped, std::min<std::size_t>(50000, size - piped));
          REQUIRE(n > 0);
          pipe.added(static_cast<std::size_t>(n));
          piped += static_cast<std::size_t>(n);
        }
        put = party.stream.splice_from(pipe, pipe.pending());
      } else {
        put = party.stream.send_file(file.get(), sent, 100000);
      }
      if (put.would_block()) {
        CHECK_FALSE(party.stream.writable());
        return;
      }
      REQUIRE(put.ok());
      REQUIRE(put.bytes != 0);
      sent += put.bytes;
    }
    REQUIRE(party.stream.finish({}).ok());
  };
  Party& party = pair.ask(kGet);
  CHECK(pair.run_until([&] { return party.ended; }));
  CHECK(party.text.substr(party.text.find("\r\n\r\n") + 4) == all);
  CHECK(sent == size);
  CHECK(pipe.pending() == 0);
}

TEST_CASE("a window that is not given back stops its stream and no other", "[http2]") {
  Pair pair;
  const std::string all = pattern(200000);
  std::string_view rest[2] = {all, all};
  std::size_t n = 0;
  std::map<Party*, std::size_t> numbers;
  pair.server->on_request = [&](Party& party) {
    if (!numbers.contains(&party)) {
      numbers[&party] = n++;
      REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\n\r\n", Follows::kBody));
    }
    if (party.write(rest[numbers[&party]])) (void)party.stream.finish({});
  };
  Party& slow = pair.ask(kGet);
  slow.on_news = [] {};  // reads nothing
  Party& quick = pair.ask(kGet);
  CHECK(pair.run_until([&] { return quick.ended; }));
  CHECK(rest[0].size() == all.size() - 65536);
  CHECK_FALSE(slow.ended);
  slow.on_news = [&slow] { slow.read(); };
  slow.read();
  CHECK(pair.run_until([&] { return slow.ended; }));
  CHECK(slow.text.ends_with(all));
}

TEST_CASE("the end of a body needs no window", "[http2]") {
  Pair pair;
  const std::string all = pattern(65536);  // all there is of it
  std::string_view rest = all;
  bool finished = false;
  pair.server->on_request = [&](Party& party) {
    if (rest.size() == all.size()) REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\n\r\n", Follows::kBody));
    if (party.write(rest)) finished = party.stream.finish({}).ok();
  };
  Party& party = pair.ask(kGet);
  party.on_news = [] {};  // reads nothing
  CHECK(pair.run_until([&] { return party.stream.peer_closed(); }));
  CHECK(finished);
  party.read();
  CHECK(party.ended);
  CHECK(party.text.ends_with(all));
}

TEST_CASE("an upload waits for its reader", "[http2]") {
  Pair pair;
  const std::string all = pattern(200000);
  std::string_view rest = all;
  bool reads = false;
  Party* taker = nullptr;
  pair.server->on_request = [&](Party& party) {
    taker = &party;
    if (reads) party.read();
  };
  Party& giver = pair.ask("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n", Follows::kBody);
  giver.on_news = [&] { (void)giver.write(rest); };
  (void)giver.write(rest);
  pair.run_until([&] { return rest.size() == all.size() - 65536; });
  for (int i = 0; i < 5; ++i) pair.worker.turn();
  CHECK(rest.size() == all.size() - 65536);
  REQUIRE(taker != nullptr);
  reads = true;
  taker->read();
  CHECK(pair.run_until([&] { return taker->ended; }));
  CHECK(taker->text.ends_with(all));
}

TEST_CASE("a cut is a reset to the other side, and what was refused may be tried again", "[http2]") {
  Pair pair;
  pair.server->on_request = [](Party& party) {
    if (!party.stream.open()) return;
    REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", Follows::kBody));
    std::string_view some = "half";
    CHECK(party.write(some));
    party.stream.close(relay::Close::kCut);
  };
  Party& cut = pair.ask(kGet);
  CHECK(pair.run_until([&] { return cut.error != 0; }));
  CHECK(cut.text.ends_with("half"));
  CHECK(cut.error == ECONNRESET);
  CHECK(cut.stream.reset_code() == NGHTTP2_INTERNAL_ERROR);
  pair.server->refuses = true;
  Party& refused = pair.ask(kGet);
  CHECK(pair.run_until([&] { return refused.error != 0; }));
  CHECK(refused.stream.reset_code() == NGHTTP2_REFUSED_STREAM);
}

TEST_CASE("when the connection breaks every stream is told", "[http2]") {
  Pair pair;
  pair.server->on_request = [](Party&) {};
  Party& one = pair.ask(kGet);
  Party& two = pair.ask(kGet);
  pair.run_until([&] { return pair.server->parties.size() == 2; });
  pair.server->channel.close(relay::Close::kReset);
  CHECK(pair.run_until([&] { return one.error != 0 && two.error != 0; }));
  CHECK(pair.client->session->ended());
  CHECK_FALSE(pair.client->session->accepts_streams());
}

TEST_CASE("GOAWAY lets streams end, and then the connection", "[http2]") {
  Pair pair;
  Party* waiting = nullptr;
  pair.server->on_request = [&](Party& party) { waiting = &party; };
  Party& party = pair.ask(kGet);
  pair.run_until([&] { return waiting != nullptr; });
  pair.server->session->begin_goaway();
  CHECK(pair.run_until([&] { return pair.server->session->goaway_final(); }));
  CHECK_FALSE(pair.client->session->accepts_streams());
  CHECK_FALSE(pair.server->session->ended());
  REQUIRE(waiting->stream.send_head("HTTP/1.1 204 No Content\r\n\r\n", Follows::kNothing));
  waiting->stream.close(relay::Close::kClean);
  CHECK(pair.run_until([&] { return party.ended; }));
  CHECK(pair.run_until([&] { return pair.server->session->ended(); }));
  CHECK(pair.server->session->error() == 0);
}

TEST_CASE("the urgent is woken first, and those that share take turns", "[http2]") {
  CHECK(parse_priority("") == Priority{3, false});
  CHECK(parse_priority("u=0, i") == Priority{0, true});
  CHECK(parse_priority("i=?0, u=7") == Priority{7, false});
  CHECK(parse_priority("u=8") == Priority{3, false});
  CHECK(parse_priority("u=-1, x, u=5;a=b, i=?1") == Priority{5, true});

  const auto share = [](std::string_view first, std::string_view second) {
    Pair pair(8192);
    const std::string all = pattern(200000);
    std::map<Party*, std::string_view> rest;
    pair.server->on_request = [&](Party& party) {
      if (!rest.contains(&party)) {
        rest[&party] = all;
        REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\n\r\n", Follows::kBody));
      }
      if (party.write(rest[&party])) (void)party.stream.finish({});
    };
    const auto head = [](std::string_view priority) {
      return "GET / HTTP/1.1\r\nHost: h\r\npriority: " + std::string(priority) + "\r\n\r\n";
    };
    Party& one = pair.ask(head(first));
    Party& two = pair.ask(head(second));
    CHECK(pair.run_until([&] { return one.ended || two.ended; }));
    return std::pair(one.text.size(), two.text.size());
  };
  const auto [late, soon] = share("u=5", "u=1");
  CHECK(soon > 200000);
  CHECK(late < 100000);
  const auto [one, two] = share("i", "i");
  CHECK(std::min(one, two) > std::max(one, two) / 2);
}

TEST_CASE("a client that asks as fast as it is answered gets its turn, and no more", "[http2]") {
  Pair pair(0, {.streams = 1000});
  Side& server = *pair.server;
  server.transport.sip = 64;
  server.transport.swallows = true;
  const std::string body = pattern(10000);
  unsigned requests = 0, most = 0, before = 0, turn = 0;
  server.on_request = [&](Party& party) {
    if (std::exchange(turn, server.turns) != server.turns) before = requests;
    most = std::max(most, ++requests - before);
    REQUIRE(party.stream.send_head("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", Follows::kBody));
    std::string_view rest = body;
    REQUIRE(party.write(rest));
    party.stream.close(relay::Close::kClean);
  };
  for (int i = 0; i < 90; ++i) (void)pair.ask(kGet);
  CHECK(pair.run_until([&] { return requests == 90; }));
  CHECK(most >= 10);
  CHECK(most < 50);  // 256 KiB, and what one read brings
}

}  // namespace
}  // namespace sluice::http2
