#include "upstream/group.h"

#include <set>

#include "relay/ends.h"
#include "upstream/connection.h"

using namespace sluice;
using namespace sluice::testing;
using namespace std::chrono_literals;
using upstream::Group;
using upstream::Server;

namespace {

config::Upstream of(const std::vector<std::string>& hosts) {
  config::Upstream config;
  config.name = hosts.empty() ? std::string() : hosts.front();
  config.max_fails = 1;
  config.fail_timeout = 10s;
  for (const std::string& host : hosts) config.servers.push_back({.host = host, .port = 80});
  return config;
}

const std::vector<std::string> kThree = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};

// The names of the next picks, "-" for none.
std::vector<std::string> picks(Group& group, int n) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) {
    const auto server = group.pick({});
    out.push_back(server == nullptr ? "-" : server->name());
  }
  return out;
}

void wait_for(Worker& worker, const std::function<bool()>& what) {
  for (int i = 0; !what() && i < 2000; ++i) {
    worker.turn();
    std::this_thread::sleep_for(1ms);
  }
  REQUIRE(what());
}

}  // namespace

TEST_CASE("servers take turns", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of(kThree));
  CHECK(group.server_count() == 3);
  CHECK_FALSE(group.resolving());
  const auto got = picks(group, 300);
  for (const std::string& host : kThree) CHECK(std::count(got.begin(), got.end(), host + ":80") == 100);
  CHECK(std::set<std::string>(got.begin(), got.begin() + 3).size() == 3);
}

TEST_CASE("an address in IPv6 is no name", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of({"::1"}));
  CHECK_FALSE(group.resolving());
  CHECK(picks(group, 1) == std::vector<std::string>{"[::1]:80"});
}

TEST_CASE("a server that is down is left out, and those tried before", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of(kThree));
  const auto a = group.pick({});
  const auto b = group.pick({});
  REQUIRE(a->failed(worker.loop.now()));
  const auto got = picks(group, 20);
  CHECK(std::count(got.begin(), got.end(), a->name()) == 0);
  CHECK(std::count(got.begin(), got.end(), "-") == 0);
  const auto c = group.pick({b.get()});
  REQUIRE(c != nullptr);
  CHECK(c != a);
  CHECK(c != b);
  CHECK(group.pick({b.get(), c.get()}) == nullptr);
  a->succeeded();
  CHECK(group.pick({b.get(), c.get()}) == a);
}

TEST_CASE("when all are down nobody is asked, until the first one's trial", "[group]") {
  Worker worker;
  auto config = of(kThree);
  config.fail_timeout = 50ms;
  Group group(worker.loop, worker.offload, config);
  const os::Time now = worker.loop.now();
  for (int i = 0; i < 3; ++i) {
    const auto server = group.pick({});
    REQUIRE(server != nullptr);
    REQUIRE(server->failed(now));
  }
  if (worker.loop.now() < now + 50ms) CHECK(group.pick({}) == nullptr);
  std::this_thread::sleep_for(60ms);
  std::set<std::string> trials;
  for (int i = 0; i < 3; ++i) {
    const auto server = group.pick({});
    REQUIRE(server != nullptr);
    trials.insert(server->name());
  }
  CHECK(trials.size() == 3);  // each is tried by one exchange
}

TEST_CASE("an exchange that has tried a server does not use up its trial", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of(kThree));
  const auto a = group.pick({}), b = group.pick({}), c = group.pick({});
  REQUIRE(a->failed(worker.loop.now() - 11s));  // its time is over
  CHECK(group.pick({a.get(), b.get(), c.get()}) == nullptr);
  CHECK(group.pick({b.get(), c.get()}) == a);
}

TEST_CASE("an only server is never down", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of({"127.0.0.1"}));
  const auto server = group.pick({});
  for (int i = 0; i < 5; ++i) (void)server->failed(worker.loop.now());
  CHECK(group.pick({}) == server);
  CHECK(group.pick({server.get()}) == nullptr);  // but not asked twice by the same exchange
}

TEST_CASE("a group that goes away retires its servers", "[group]") {
  Worker worker;
  std::shared_ptr<Server> server;
  {
    Group group(worker.loop, worker.offload, of({"127.0.0.1"}));
    server = group.pick({});
  }
  const auto listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), 4);
  REQUIRE(listener.error == 0);
  struct Ignore : relay::ChannelHandler {
    ~Ignore() = default;
    void on_channel(relay::Channel&) override {}
  } ignore;
  int error = 0;
  observe::Counters counters;
  const auto live = std::make_shared<Server>(os::local_address(listener.fd.get()), of({}));
  auto connection = upstream::Connection::open({worker.relay, counters}, live, ignore, error);
  REQUIRE(connection != nullptr);
  server->keep_idle(std::move(connection));
  CHECK(server->idle() == 0);
}

TEST_CASE("a name is looked up off the loop, and those who wait are told once", "[group]") {
  Worker worker;
  Group group(worker.loop, worker.offload, of({"localhost"}));
  CHECK(group.resolving());
  CHECK(group.pick({}) == nullptr);
  int told = 0, not_told = 0;
  const auto token = group.when_resolved([&] { ++told; });
  auto gone = group.when_resolved([&] { ++not_told; });
  gone.reset();
  wait_for(worker, [&] { return !group.resolving(); });
  CHECK(told == 1);
  CHECK(not_told == 0);
  const auto server = group.pick({});
  REQUIRE(server != nullptr);
  CHECK(server->address().port() == 80);
}

TEST_CASE("a name that can't be resolved leaves the others, and is no wait without end", "[group]") {
  Worker worker;
  // The reserved top-level domain that never resolves: RFC 6761 section 6.4.
  SECTION("beside an address") {
    Group group(worker.loop, worker.offload, of({"127.0.0.1", "nowhere.invalid"}));
    CHECK_FALSE(group.resolving());
    CHECK(picks(group, 1) == std::vector<std::string>{"127.0.0.1:80"});
  }
  SECTION("alone") {
    Group group(worker.loop, worker.offload, of({"nowhere.invalid"}));
    bool told = false;
    const auto token = group.when_resolved([&] { told = true; });
    wait_for(worker, [&] { return told; });
    CHECK_FALSE(group.resolving());
    CHECK(group.pick({}) == nullptr);
  }
}
