#include "groups/coordinator.h"

#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <thread>

#include "catch.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::groups;
using kafka::ErrorCode;
using sluice::testing::ScratchDirectory;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 20s;  // much more than anything here takes

// A worker's loop on a thread of its own, and connections that belong to it.
class Worker {
 public:
  ~Worker() {
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }

  template <typename Response>
  Reply<Response> reply(std::shared_ptr<std::promise<Response>> to, const std::shared_ptr<void>& owner) {
    return {.loop = &loop_, .owner = owner, .call = [this, to = std::move(to)](Response response) {
              if (std::this_thread::get_id() != thread_.get_id()) astray_ = true;
              to->set_value(std::move(response));
            }};
  }
  [[nodiscard]] bool astray() const { return astray_; }  // an answer came on another thread

 private:
  std::atomic<bool> astray_{false};
  loop::EventLoop loop_;
  std::thread thread_{[this] { loop_.run(); }};
};

// One connection: asks and waits.
class Client {
 public:
  Client(Coordinator& coordinator, Worker& worker) : coordinator_(coordinator), worker_(worker) {}

  template <typename Response, typename Ask>
  std::future<Response> ask(const Ask& call) {
    const auto promise = std::make_shared<std::promise<Response>>();
    auto future = promise->get_future();
    call(worker_.reply(promise, owner_));
    return future;
  }
  template <typename Response>
  static Response get(std::future<Response> future) {
    if (future.wait_for(kLong) != std::future_status::ready) throw std::runtime_error("no answer");
    return future.get();
  }

  std::future<kafka::JoinGroupResponse> start_join(const std::string& group,
                                                   const std::string& member_id = "", int version = 3) {
    return ask<kafka::JoinGroupResponse>([&](auto reply) {
      coordinator_.join({.group_id = group,
                         .session_timeout_ms = 10'000,
                         .rebalance_timeout_ms = 10'000,
                         .member_id = member_id,
                         .protocol_type = "consumer",
                         .protocols = {{"range", "topics"}}},
                        version, {"client", "/127.0.0.1"}, std::move(reply));
    });
  }
  kafka::JoinGroupResponse join(const std::string& group, const std::string& member_id = "",
                                int version = 3) {
    return get(start_join(group, member_id, version));
  }
  std::future<kafka::SyncGroupResponse> start_sync(
      const std::string& group, const std::string& member_id, std::int32_t generation,
      std::vector<kafka::SyncGroupRequest::Assignment> assignments = {}) {
    return ask<kafka::SyncGroupResponse>([&](auto reply) {
      coordinator_.sync({.group_id = group,
                         .generation_id = generation,
                         .member_id = member_id,
                         .assignments = std::move(assignments)},
                        std::move(reply));
    });
  }
  kafka::SyncGroupResponse sync(const std::string& group, const std::string& member_id,
                                std::int32_t generation,
                                std::vector<kafka::SyncGroupRequest::Assignment> assignments = {}) {
    return get(start_sync(group, member_id, generation, std::move(assignments)));
  }
  ErrorCode heartbeat(const std::string& group, const std::string& member_id, std::int32_t generation) {
    return get(ask<kafka::HeartbeatResponse>([&](auto reply) {
             coordinator_.heartbeat({.group_id = group, .generation_id = generation, .member_id = member_id},
                                    std::move(reply));
           }))
        .error_code;
  }
  kafka::LeaveGroupResponse leave(kafka::LeaveGroupRequest request, int version) {
    return get(ask<kafka::LeaveGroupResponse>(
        [&](auto reply) { coordinator_.leave(std::move(request), version, std::move(reply)); }));
  }
  kafka::OffsetCommitResponse commit(kafka::OffsetCommitRequest request) {
    return get(ask<kafka::OffsetCommitResponse>(
        [&](auto reply) { coordinator_.commit(std::move(request), std::move(reply)); }));
  }
  ErrorCode commit(const std::string& group, std::int64_t offset, const std::string& member_id = "",
                   std::int32_t generation = -1, const std::string& metadata = "") {
    return commit({.group_id = group,
                   .generation_id_or_member_epoch = generation,
                   .member_id = member_id,
                   .topics = {{"lines", {{.committed_offset = offset, .committed_metadata = metadata}}}}})
        .topics.at(0)
        .partitions.at(0)
        .error_code;
  }
  kafka::OffsetFetchResponse fetch(kafka::OffsetFetchRequest request, int version) {
    return get(ask<kafka::OffsetFetchResponse>(
        [&](auto reply) { coordinator_.fetch(std::move(request), version, std::move(reply)); }));
  }
  std::int64_t fetch(const std::string& group) {
    const auto response = fetch({.group_id = group, .topics = {{{"lines", {0}}}}}, 7);
    return response.error_code == ErrorCode::kNone ? response.topics.at(0).partitions.at(0).committed_offset
                                                   : -2;
  }
  kafka::DescribeGroupsResponse describe(std::vector<std::string> groups) {
    return get(ask<kafka::DescribeGroupsResponse>(
        [&](auto reply) { coordinator_.describe({.groups = std::move(groups)}, std::move(reply)); }));
  }
  kafka::ListGroupsResponse list(std::vector<std::string> states = {}) {
    return get(ask<kafka::ListGroupsResponse>(
        [&](auto reply) { coordinator_.list({.states_filter = std::move(states)}, std::move(reply)); }));
  }
  std::vector<ErrorCode> remove(std::vector<std::string> groups) {
    std::vector<ErrorCode> codes;
    const auto response = get(ask<kafka::DeleteGroupsResponse>(
        [&](auto reply) { coordinator_.remove({.groups_names = std::move(groups)}, std::move(reply)); }));
    for (const auto& each : response.results) codes.push_back(each.error_code);
    return codes;
  }
  // A member of a group of its own, with its assignment.
  std::string settle_in(const std::string& group) {
    const auto joined = join(group);
    REQUIRE(joined.error_code == ErrorCode::kNone);
    REQUIRE(sync(group, joined.member_id, joined.generation_id, {{joined.member_id, "all"}}).assignment ==
            "all");
    return joined.member_id;
  }
  void hang_up() { owner_.reset(); }

 private:
  Coordinator& coordinator_;
  Worker& worker_;
  std::shared_ptr<void> owner_ = std::make_shared<int>(0);
};

bool comes_true(const std::function<bool()>& condition) {
  for (const auto until = std::chrono::steady_clock::now() + kLong;
       std::chrono::steady_clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

TEST_CASE("two members on two workers share a group", "[coordinator]") {
  Worker worker, other_worker;
  Coordinator coordinator("", {});
  Client first(coordinator, worker), second(coordinator, other_worker);
  const auto id = first.settle_in("readers");
  auto waiting = second.start_join("readers");
  CHECK(comes_true([&] { return first.heartbeat("readers", id, 1) == ErrorCode::kRebalanceInProgress; }));
  const auto again = first.join("readers", id);
  const auto joined = Client::get(std::move(waiting));
  CHECK(again.generation_id == 2);
  CHECK(joined.generation_id == 2);
  CHECK(again.members.size() == 2);
  auto follower = second.start_sync("readers", joined.member_id, 2);
  CHECK(first.sync("readers", id, 2, {{id, "one"}, {joined.member_id, "two"}}).assignment == "one");
  CHECK(Client::get(std::move(follower)).assignment == "two");
  CHECK(coordinator.group_count() == 1);
  CHECK(coordinator.member_count() == 2);
  CHECK(coordinator.rebalances() == 2);
  CHECK_FALSE(worker.astray());
  CHECK_FALSE(other_worker.astray());

  const auto left =
      first.leave({.group_id = "readers", .members = {{.member_id = id}, {.member_id = "x"}}}, 3);
  CHECK(left.members.at(0).error_code == ErrorCode::kNone);
  CHECK(left.members.at(1).error_code == ErrorCode::kUnknownMemberId);
  CHECK(second.leave({.group_id = "readers", .member_id = joined.member_id}, 2).error_code ==
        ErrorCode::kNone);
  CHECK(comes_true([&] { return coordinator.group_count() == 0; }));  // nothing to remember
  CHECK(coordinator.member_count() == 0);
  CHECK(second.leave({.group_id = "readers", .member_id = joined.member_id}, 2).error_code ==
        ErrorCode::kUnknownMemberId);
}

TEST_CASE("groups nobody can name are refused, and unknown ones too", "[coordinator]") {
  Worker worker;
  Coordinator coordinator("", {});
  Client client(coordinator, worker);
  CHECK(client.join("").error_code == ErrorCode::kInvalidGroupId);
  CHECK(client.sync("", "a", 1).error_code == ErrorCode::kInvalidGroupId);
  CHECK(client.heartbeat("", "a", 1) == ErrorCode::kInvalidGroupId);
  CHECK(client.leave({}, 3).error_code == ErrorCode::kInvalidGroupId);
  CHECK(client.join("readers", "a").error_code == ErrorCode::kUnknownMemberId);
  CHECK(client.sync("readers", "a", 1).error_code == ErrorCode::kUnknownMemberId);
  CHECK(client.heartbeat("readers", "a", 1) == ErrorCode::kUnknownMemberId);
  CHECK(client.commit("readers", 1, "a", 1) == ErrorCode::kIllegalGeneration);
  CHECK(client.remove({"readers"}) == std::vector{ErrorCode::kGroupIdNotFound});
  CHECK(client.describe({"readers"}).groups.at(0).group_state == "Dead");
  CHECK(coordinator.group_count() == 0);
}

TEST_CASE("offsets are kept for those who assign themselves", "[coordinator]") {
  Worker worker;
  Coordinator coordinator("", {});
  Client client(coordinator, worker);
  CHECK(client.fetch("readers") == -1);
  CHECK(client.commit("readers", 42) == ErrorCode::kNone);
  CHECK(client.fetch("readers") == 42);
  CHECK(client.commit("", 7) == ErrorCode::kNone);  // older clients do
  CHECK(client.fetch("") == 7);
  CHECK(client.commit("readers", 43, "", -1, std::string(4097, 'x')) == ErrorCode::kOffsetMetadataTooLarge);
  const auto refused =
      client.commit({.group_id = "readers", .topics = {{"a/b", {{}}}, {"t", {{.partition_index = -1}}}}});
  CHECK(refused.topics.at(0).partitions.at(0).error_code == ErrorCode::kUnknownTopicOrPartition);
  CHECK(refused.topics.at(1).partitions.at(0).error_code == ErrorCode::kUnknownTopicOrPartition);

  // All of a group's; several groups; what nobody committed.
  CHECK(client
            .commit({.group_id = "readers",
                     .topics = {{"more", {{.partition_index = 3, .committed_offset = 9}}}}})
            .topics.at(0)
            .partitions.at(0)
            .error_code == ErrorCode::kNone);
  const auto all = client.fetch({.groups = {{.group_id = "readers"}, {.group_id = "strangers"}}}, 8);
  REQUIRE(all.groups.size() == 2);
  REQUIRE(all.groups[0].topics.size() == 2);
  CHECK(all.groups[0].topics[1].name == "more");
  CHECK(all.groups[0].topics[1].partitions.at(0).committed_offset == 9);
  CHECK(all.groups[1].topics.empty());
  const auto none = client.fetch({.group_id = "readers", .topics = {{{"lines", {5}}}}}, 1);
  CHECK(none.topics.at(0).partitions.at(0).committed_offset == -1);
  CHECK(none.topics.at(0).partitions.at(0).metadata == "");
  CHECK(none.topics.at(0).partitions.at(0).error_code == ErrorCode::kNone);
}

TEST_CASE("members and offsets go on after a restart", "[coordinator]") {
  const ScratchDirectory scratch;
  Worker worker;
  std::string id;
  {
    Coordinator coordinator(scratch / "groups.db", {});
    Client client(coordinator, worker);
    id = client.settle_in("readers");
    CHECK(client.commit("readers", 42, id, 1) == ErrorCode::kNone);
    CHECK(client.commit("simple", 7) == ErrorCode::kNone);
    (void)client.join("passing", "", 4);  // invited only: nothing to keep
  }
  Coordinator coordinator(scratch / "groups.db", {});
  Client client(coordinator, worker);
  CHECK(coordinator.group_count() == 2);
  CHECK(coordinator.member_count() == 1);
  CHECK(client.heartbeat("readers", id, 1) == ErrorCode::kNone);
  CHECK(client.sync("readers", id, 1).assignment == "all");
  CHECK(client.fetch("readers") == 42);
  CHECK(client.fetch("simple") == 7);
  CHECK(client.commit("readers", 43, id, 1) == ErrorCode::kNone);
  CHECK(coordinator.rebalances() == 0);
  CHECK(client.describe({"readers"}).groups.at(0).group_state == "Stable");
}

TEST_CASE("groups are listed, and deleted when they have no members", "[coordinator]") {
  const ScratchDirectory scratch;
  Worker worker;
  {
    Coordinator coordinator(scratch / "groups.db", {});
    Client client(coordinator, worker);
    const auto id = client.settle_in("readers");
    CHECK(client.commit("simple", 7) == ErrorCode::kNone);
    CHECK(client.commit("readers", 1, id, 1) == ErrorCode::kNone);
    const auto all = client.list().groups;
    REQUIRE(all.size() == 2);
    CHECK(all[0].group_id == "readers");
    CHECK(all[0].protocol_type == "consumer");
    CHECK(all[0].group_state == "Stable");
    CHECK(client.list({"Empty"}).groups.size() == 1);
    CHECK(client.remove({"readers", "simple", "strangers"}) ==
          std::vector{ErrorCode::kNonEmptyGroup, ErrorCode::kNone, ErrorCode::kGroupIdNotFound});
    CHECK(client.fetch("simple") == -1);
    CHECK(client.fetch("readers") == 1);
    CHECK(comes_true([&] { return coordinator.group_count() == 1; }));
    // Without members, but with offsets, a group is remembered.
    CHECK(client.leave({.group_id = "readers", .member_id = id}, 0).error_code == ErrorCode::kNone);
    CHECK(client.describe({"readers"}).groups.at(0).group_state == "Empty");
  }
  Coordinator coordinator(scratch / "groups.db", {});
  Client client(coordinator, worker);
  CHECK(client.list({"Empty"}).groups.size() == 1);
  CHECK(client.join("readers").generation_id == 3);  // it counts on
}

TEST_CASE("offsets of groups without members expire", "[coordinator]") {
  const ScratchDirectory scratch;
  Worker worker;
  std::string id;
  {
    Coordinator coordinator(scratch / "groups.db", {});
    Client client(coordinator, worker);
    CHECK(client.commit("simple", 7) == ErrorCode::kNone);
    id = client.settle_in("readers");
    CHECK(client.commit("readers", 42, id, 1) == ErrorCode::kNone);
  }
  const auto later = os::wall_now() + 2ms;
  CHECK(comes_true([&] { return os::wall_now() > later; }));
  Coordinator coordinator(scratch / "groups.db", {.keep_offsets = 0h});
  Client client(coordinator, worker);
  CHECK(client.fetch("simple") == -1);
  CHECK(client.fetch("readers") == 42);
  CHECK(comes_true([&] { return coordinator.group_count() == 1; }));
}

TEST_CASE("limits of the sum of all groups", "[coordinator]") {
  Worker worker;
  Limits limits;
  SECTION("groups") {
    limits.groups = 2;
    Coordinator coordinator("", limits);
    Client client(coordinator, worker);
    CHECK(client.commit("one", 1) == ErrorCode::kNone);
    const auto id = client.settle_in("two");
    CHECK(client.join("three").error_code == ErrorCode::kGroupMaxSizeReached);
    CHECK(client.commit("three", 1) == ErrorCode::kInvalidCommitOffsetSize);
    CHECK(client.commit("two", 1, id, 1) == ErrorCode::kNone);
    CHECK(client.remove({"one"}) == std::vector{ErrorCode::kNone});
    CHECK(client.join("three").error_code == ErrorCode::kNone);
  }
  SECTION("offsets") {
    limits.offsets = 2;
    Coordinator coordinator("", limits);
    Client client(coordinator, worker);
    const auto response = client.commit({.group_id = "one", .topics = {{"t", {{0}, {1}, {2}, {1}}}}});
    const auto& partitions = response.topics.at(0).partitions;
    CHECK(partitions.at(1).error_code == ErrorCode::kNone);
    CHECK(partitions.at(2).error_code == ErrorCode::kInvalidCommitOffsetSize);
  }
  SECTION("an answer") {
    limits.answer = 200;
    Coordinator coordinator("", limits);
    Client client(coordinator, worker);
    CHECK(client.commit("one", 1) == ErrorCode::kNone);
    std::vector<kafka::OffsetFetchRequest::Group> often(4, {.group_id = "one"});
    auto answer = client.fetch({.groups = often}, 8);
    CHECK(answer.groups.at(2).topics.at(0).partitions.at(0).committed_offset == 1);
    CHECK(answer.groups.at(3).error_code == ErrorCode::kInvalidRequest);
    for (auto& each : often) each.topics.emplace(1, kafka::OffsetFetchRequest::Topic{"lines", {0}});
    answer = client.fetch({.groups = often}, 8);
    CHECK(answer.groups.at(2).error_code == ErrorCode::kNone);
    CHECK(answer.groups.at(3).error_code == ErrorCode::kInvalidRequest);
    (void)client.settle_in("two");
    const auto told = client.describe(std::vector<std::string>(30, "two"));
    CHECK(told.groups.at(0).error_code == ErrorCode::kNone);
    CHECK(told.groups.at(29).error_code == ErrorCode::kInvalidRequest);
  }
  SECTION("memory") {
    limits.memory = 8_KiB;
    Coordinator coordinator("", limits);
    Client client(coordinator, worker);
    int joined = 0;
    while (joined < 100 && client.join(std::to_string(joined)).error_code == ErrorCode::kNone) ++joined;
    CHECK(joined > 1);
    CHECK(joined < 10);
    CHECK(client.join("one more").error_code == ErrorCode::kGroupMaxSizeReached);
  }
}

TEST_CASE("a disk that is full refuses commits and assignments, and members go on when it is not",
          "[coordinator]") {
  const ScratchDirectory scratch;
  Worker worker;
  const std::string file = scratch / "groups.db";
  auto full = std::make_unique<Coordinator>(file, Limits{});
  Coordinator& coordinator = *full;
  Client client(coordinator, worker);
  const auto id = client.settle_in("readers");
  CHECK(client.commit("readers", 1, id, 1) == ErrorCode::kNone);

  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{std::filesystem::file_size(file + "-wal") + 1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  CHECK(client.commit("readers", 2, id, 1) == ErrorCode::kCoordinatorNotAvailable);
  CHECK(client.commit("strangers", 2) == ErrorCode::kCoordinatorNotAvailable);
  CHECK(client.remove({"strangers"}).size() == 1);
  CHECK(client.fetch("readers") == 1);
  CHECK(client.heartbeat("readers", id, 1) == ErrorCode::kNone);
  CHECK(client.join("readers", id).generation_id == 2);
  CHECK(client.sync("readers", id, 2, {{id, "new"}}).error_code == ErrorCode::kCoordinatorNotAvailable);
  CHECK(client.sync("readers", id, 2).assignment == "new");  // it may be had, it is only not written yet
  CHECK(comes_true([&] { return coordinator.group_count() == 1; }));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(client.commit("readers", 3, id, 2) == ErrorCode::kNone);
  CHECK(client.fetch("readers") == 3);
  full.reset();
  Coordinator next(file, {});
  Client again(next, worker);
  CHECK(again.sync("readers", id, 2).assignment == "new");
  CHECK(again.fetch("readers") == 3);
}

TEST_CASE("who is gone gets no answer, and no partitions", "[coordinator]") {
  Worker worker;
  Coordinator coordinator("", {});
  Client first(coordinator, worker), gone(coordinator, worker);
  const auto id = first.settle_in("readers");
  auto waiting = gone.start_join("readers");
  CHECK(comes_true([&] { return coordinator.member_count() == 2; }));
  gone.hang_up();
  CHECK(first.join("readers", id).members.size() == 1);
  CHECK_THROWS_AS(Client::get(std::move(waiting)), std::future_error);  // its answer was dropped with it
  CHECK(comes_true([&] { return coordinator.member_count() == 1; }));
}

TEST_CASE("stop answers who waits, and who comes later", "[coordinator]") {
  Worker worker;
  Coordinator coordinator("", {});
  Client first(coordinator, worker), second(coordinator, worker), third(coordinator, worker);
  (void)first.settle_in("readers");
  auto joining = second.start_join("readers");
  const auto leader = third.settle_in("others");
  coordinator.stop();
  CHECK(Client::get(std::move(joining)).error_code == ErrorCode::kCoordinatorNotAvailable);
  CHECK(first.join("readers").error_code == ErrorCode::kCoordinatorNotAvailable);
  CHECK(first.commit("readers", 1) == ErrorCode::kCoordinatorNotAvailable);
  CHECK(first.fetch("readers") == -2);
  CHECK(first.heartbeat("others", leader, 1) == ErrorCode::kCoordinatorNotAvailable);
  CHECK(first.remove({"a"}) == std::vector{ErrorCode::kCoordinatorNotAvailable});
  CHECK(first.list().error_code == ErrorCode::kCoordinatorNotAvailable);
  CHECK(first.describe({"a"}).groups.at(0).error_code == ErrorCode::kCoordinatorNotAvailable);
  coordinator.stop();
}

TEST_CASE("a lost member is noticed by the coordinator's own clock", "[coordinator]") {
  Worker worker;
  Coordinator coordinator("", {.shortest_session = 100ms});
  Client client(coordinator, worker);
  const auto joined = Client::get(client.ask<kafka::JoinGroupResponse>([&](auto reply) {
    coordinator.join({.group_id = "readers",
                      .session_timeout_ms = 200,
                      .protocol_type = "consumer",
                      .protocols = {{"range", "topics"}}},
                     0, {}, std::move(reply));
  }));
  CHECK(joined.error_code == ErrorCode::kNone);
  CHECK(comes_true([&] { return coordinator.group_count() == 0; }));
}

TEST_CASE("many connections of many workers at once", "[coordinator]") {
  constexpr int kWorkers = 3, kRounds = 40;
  Coordinator coordinator("", {});
  std::atomic<int> wrong{0};
  {
    std::vector<std::thread> threads;
    for (int i = 0; i < kWorkers; ++i)
      threads.emplace_back([&, i] {
        Worker worker;
        Client client(coordinator, worker);
        const std::string own = "group-" + std::to_string(i);
        for (int round = 0; round < kRounds; ++round) {
          const auto joined = client.join(own);
          if (client.sync(own, joined.member_id, joined.generation_id, {{joined.member_id, "all"}})
                  .assignment != "all")
            ++wrong;
          if (client.commit(own, round, joined.member_id, joined.generation_id) != ErrorCode::kNone) ++wrong;
          if (client.commit("shared", round) != ErrorCode::kNone) ++wrong;
          if (client.fetch(own) != round) ++wrong;
          if (client.leave({.group_id = own, .member_id = joined.member_id}, 0).error_code !=
              ErrorCode::kNone)
            ++wrong;
        }
      });
    for (auto& thread : threads) thread.join();
  }
  CHECK(wrong == 0);
  CHECK(coordinator.group_count() == kWorkers + 1);
  CHECK(coordinator.member_count() == 0);
}
