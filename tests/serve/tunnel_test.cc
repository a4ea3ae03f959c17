#include "serve/tunnel.h"

#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Force;
using serve::Tunnel;

namespace {

struct Fixture {
  explicit Fixture(Force force = Force::kNothing, Transport transport = Transport::kTcp, int buffer = 0)
      : client(worker, transport, buffer), server(worker, transport, buffer), policy{.force = force} {}

  // Drives until nothing moves any more or the tunnel is over. What arrives at the far ends is kept.
  Tunnel::Result drive(std::string_view head = {}, std::size_t read = std::string::npos) {
    Tunnel::Result last = Tunnel::Result::kRunning;
    for (int quiet = 0; quiet < 20;) {
      worker.turn();
      last = tunnel.drive(100'000, std::exchange(head, {}));
      const std::string down = client.peer.valid() ? client.read(read) : "",
                        up = server.peer.valid() ? server.read(read) : "";
      at_client += down;
      at_server += up;
      if (last != Tunnel::Result::kRunning && last != Tunnel::Result::kMoreLater) break;
      quiet = tunnel.moved() || !down.empty() || !up.empty() ? 0 : quiet + 1;
      if (quiet > 2) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    if (client.peer.valid()) at_client += client.read();
    if (server.peer.valid()) at_server += server.read();
    return last;
  }

  Worker worker;
  End client, server;
  relay::Policy policy;
  Tunnel tunnel{worker.relay, policy, {client.socket, client.held}, {server.socket, server.held}};
  std::string at_client, at_server;
};

}  // namespace

TEST_CASE("bytes go both ways at the same time", "[tunnel]") {
  const Force force = GENERATE(values({Force::kNothing, Force::kBuffered, Force::kSplice}));
  const bool slow = GENERATE(false, true);
  INFO("force " << static_cast<int>(force) << ", slow " << slow);
  Fixture f(force, slow ? Transport::kUnix : Transport::kTcp, slow ? 4608 : 0);
  const std::string up = pattern(200'000, 1), down = pattern(300'000, 2);
  std::string_view up_left = up, down_left = down;
  for (int i = 0; (!up_left.empty() || !down_left.empty()) && i < 1000; ++i) {
    up_left.remove_prefix(f.client.write(up_left.substr(0, 30'000)));
    down_left.remove_prefix(f.server.write(down_left.substr(0, 50'000)));
    CHECK(f.drive({}, slow ? 10'000 : std::string::npos) == Tunnel::Result::kRunning);
  }
  CHECK((f.at_server == up));
  CHECK((f.at_client == down));
  CHECK(f.tunnel.from_client() == up.size());
  CHECK(f.tunnel.to_client() == down.size());
  CHECK(f.worker.idle());  // quiet now: neither buffer nor pipe
  if (os::kernel_paths().splice)
    CHECK((f.tunnel.zero_copy() == up.size() + down.size()) == (force == Force::kSplice));
}

TEST_CASE("one side ends: the other hears it after the last byte, and its own direction goes on",
          "[tunnel]") {
  const Force force = GENERATE(values({Force::kNothing, Force::kSplice}));
  const bool client_first = GENERATE(true, false);
  INFO("force " << static_cast<int>(force) << ", client first " << client_first);
  Fixture f(force);
  End& first = client_first ? f.client : f.server;
  End& second = client_first ? f.server : f.client;
  std::string& at_first = client_first ? f.at_client : f.at_server;
  std::string& at_second = client_first ? f.at_server : f.at_client;

  const std::string last_words = pattern(100'000);
  REQUIRE(first.write(last_words) == last_words.size());
  first.finish();
  CHECK(f.drive() == Tunnel::Result::kRunning);
  CHECK((at_second == last_words));
  CHECK(second.ended);
  CHECK_FALSE(first.ended);

  for (const std::string& answer : {std::string("a late answer"), pattern(150'000)}) {
    at_first.clear();
    REQUIRE(second.write(answer) == answer.size());
    CHECK(f.drive() == Tunnel::Result::kRunning);
    CHECK((at_first == answer));
  }
  CHECK_FALSE(first.ended);
  second.finish();
  CHECK(f.drive() == Tunnel::Result::kEnded);
  CHECK(first.ended);
  CHECK(f.worker.idle());
}

TEST_CASE("a slow reader gets all of it before the end", "[tunnel]") {
  const Force force = GENERATE(values({Force::kBuffered, Force::kSplice}));
  Fixture f(force, Transport::kUnix, 4608);
  const std::string text = pattern(150'000);
  std::string_view left = text;
  left.remove_prefix(f.server.write(left));
  while (!left.empty()) {
    (void)f.drive({}, 3000);
    left.remove_prefix(f.server.write(left));
  }
  f.server.finish();
  f.client.finish();
  CHECK(f.drive({}, 3000) == Tunnel::Result::kEnded);
  CHECK((f.at_client == text));
  CHECK(f.client.ended);
}

TEST_CASE("a reset on one side is a failure, never an end", "[tunnel]") {
  const bool client_resets = GENERATE(true, false);
  const Force force = GENERATE(values({Force::kBuffered, Force::kSplice}));
  INFO("client resets " << client_resets << ", force " << static_cast<int>(force));
  Fixture f(force);
  REQUIRE(f.client.write("hello") == 5);
  REQUIRE(f.server.write("hello") == 5);
  CHECK(f.drive() == Tunnel::Result::kRunning);
  CHECK(f.at_server == "hello");
  CHECK(f.at_client == "hello");
  (client_resets ? f.client : f.server).reset();
  CHECK(f.drive() == Tunnel::Result::kFailed);
  CHECK_FALSE((client_resets ? f.server : f.client).ended);  // no FIN: the owner resets it
}

TEST_CASE("a reset after a half-close is a failure as well", "[tunnel]") {
  Fixture f;
  f.client.finish();
  CHECK(f.drive() == Tunnel::Result::kRunning);
  CHECK(f.server.ended);
  f.server.reset();
  CHECK(f.drive() == Tunnel::Result::kFailed);
}

TEST_CASE("what was read before goes first, and a head before that", "[tunnel]") {
  Fixture f;
  const auto hold = [&](End& end, std::string_view text) {
    REQUIRE(end.held.acquire(f.worker.relay.heads));
    std::copy(text.begin(), text.end(), end.held.room().data());
    end.held.filled(text.size());
  };
  hold(f.client, "early up, ");
  hold(f.server, "early down, ");
  REQUIRE(f.client.write("late up") == 7);
  REQUIRE(f.server.write("late down") == 9);
  CHECK(f.drive("101, ") == Tunnel::Result::kRunning);
  CHECK(f.at_client == "101, early down, late down");
  CHECK(f.at_server == "early up, late up");
  CHECK(f.tunnel.to_client() == 21);  // without the head
  CHECK(f.worker.idle());
}
