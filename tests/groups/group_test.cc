#include "groups/group.h"

#include <algorithm>

#include "catch.h"
#include "groups/group_scene.h"

using namespace sluice;
using namespace sluice::groups;
using namespace sluice::testing;
using namespace std::chrono_literals;

namespace {

kafka::JoinGroupRequest static_join(const std::string& instance_id, const std::string& member_id = "") {
  auto request = join_request(member_id);
  request.group_instance_id = instance_id;
  return request;
}

}  // namespace

TEST_CASE("a first member leads a generation of one", "[group]") {
  GroupScene scene;
  const auto joined = scene.join(join_request());
  REQUIRE(joined->answer.has_value());
  CHECK(joined->code() == ErrorCode::kNone);
  CHECK(joined->answer->generation_id == 1);
  CHECK(joined->answer->protocol_type == "consumer");
  CHECK(joined->answer->protocol_name == "range");
  CHECK(joined->answer->leader == joined->answer->member_id);
  REQUIRE(joined->answer->members.size() == 1);
  CHECK(joined->answer->members[0].metadata == "topics");
  CHECK(scene.group.state() == GroupState::kCompletingRebalance);

  const auto id = joined->answer->member_id;
  const auto synced = scene.sync(id, {{id, "all of it"}});
  REQUIRE(synced->answer.has_value());
  CHECK(synced->answer->assignment == "all of it");
  CHECK(scene.group.state() == GroupState::kStable);
  CHECK(scene.heartbeat(id) == ErrorCode::kNone);
  CHECK(scene.group.take_changed());
  CHECK_FALSE(scene.group.take_changed());
}

TEST_CASE("since version 4 a member is given its id first, unless it is static", "[group]") {
  const int version = GENERATE(4, 5, 9);
  GroupScene scene;
  const auto asked = scene.join(join_request(), version);
  CHECK(asked->code() == ErrorCode::kMemberIdRequired);
  CHECK(asked->answer->member_id == "client-1");
  CHECK(asked->answer->protocol_name.has_value() == (version < 7));
  CHECK(scene.group.size() == 0);
  CHECK_FALSE(scene.group.forget());  // somebody is expected
  const auto joined = scene.join(join_request(asked->answer->member_id), version);
  CHECK(joined->code() == ErrorCode::kNone);
  CHECK(joined->answer->member_id == "client-1");

  GroupScene others;
  CHECK(others.join(static_join("mill"), version)->code() == ErrorCode::kNone);
}

TEST_CASE("an id that nobody comes back with is forgotten with its session", "[group]") {
  GroupScene scene;
  const auto asked = scene.join(join_request(), 4);
  scene.pass(9'999ms);
  CHECK_FALSE(scene.group.forget());
  scene.pass(1ms);
  CHECK(scene.join(join_request(asked->answer->member_id), 4)->code() == ErrorCode::kUnknownMemberId);
  CHECK_FALSE(scene.group.deadline().has_value());
  CHECK(scene.group.bytes() == 0);
  CHECK(scene.group.forget());
}

TEST_CASE("a second member makes a new generation: all join again, the leader assigns, followers wait",
          "[group]") {
  GroupScene scene;
  const auto first = scene.stable(1)[0];
  const auto second = scene.join(join_request());
  CHECK(second->waits());
  CHECK(scene.group.state() == GroupState::kPreparingRebalance);
  // The first one hears of it, commits what it has, and comes along.
  CHECK(scene.heartbeat(first) == ErrorCode::kRebalanceInProgress);
  CHECK(scene.commit(first, 1) == ErrorCode::kNone);
  CHECK(scene.sync(first)->code() == ErrorCode::kRebalanceInProgress);
  const auto again = scene.join(join_request(first));
  REQUIRE_FALSE(second->waits());
  REQUIRE_FALSE(again->waits());
  CHECK(again->answer->generation_id == 2);
  CHECK(again->answer->leader == first);
  CHECK(again->answer->members.size() == 2);
  CHECK(second->answer->leader == first);
  CHECK(second->answer->members.empty());

  const auto id = second->answer->member_id;
  CHECK(scene.commit(id, 2) == ErrorCode::kRebalanceInProgress);  // whose partitions are whose is open
  CHECK(scene.heartbeat(id) == ErrorCode::kNone);
  const auto follower = scene.sync(id);
  CHECK(follower->waits());
  const auto leader = scene.sync(first, {{first, "one"}, {id, "two"}, {"nobody", "three"}});
  CHECK(leader->answer.value().assignment == "one");
  CHECK(follower->answer.value().assignment == "two");
  CHECK(scene.sync(id)->answer.value().assignment == "two");  // asked once more
  CHECK(scene.commit(id, 2) == ErrorCode::kNone);
}

TEST_CASE("whom the leader forgot gets an empty assignment, not an old one", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const auto one = scene.join(join_request(ids[0])), two = scene.join(join_request(ids[1]));
  REQUIRE(two->answer.has_value());
  (void)scene.sync(ids[0], {{ids[0], "everything"}});
  const auto other = scene.sync(ids[1]);
  CHECK(other->code() == ErrorCode::kNone);
  CHECK(other->answer.value().assignment.empty());
}

TEST_CASE("who is no member, of another generation or of another protocol, is told so", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const auto generation = scene.group.generation();
  CHECK(scene.heartbeat("stranger") == ErrorCode::kUnknownMemberId);
  CHECK(scene.heartbeat(ids[0], generation - 1) == ErrorCode::kIllegalGeneration);
  CHECK(scene.heartbeat(ids[0], generation, "mill") == ErrorCode::kUnknownMemberId);
  CHECK(scene.sync("stranger")->code() == ErrorCode::kUnknownMemberId);
  CHECK(scene.sync(ids[0], {}, generation + 1)->code() == ErrorCode::kIllegalGeneration);
  CHECK(scene.commit("stranger", generation) == ErrorCode::kUnknownMemberId);
  CHECK(scene.commit(ids[0], generation - 1) == ErrorCode::kIllegalGeneration);
  CHECK(scene.commit("", -1) == ErrorCode::kUnknownMemberId);  // from outside, while there are members
  CHECK(scene.group.leave("stranger", {}, scene.now) == ErrorCode::kUnknownMemberId);
  CHECK(scene.join(join_request("stranger"))->code() == ErrorCode::kUnknownMemberId);

  kafka::SyncGroupRequest request{.generation_id = generation, .member_id = ids[1]};
  request.protocol_type = "connect";
  CHECK(scene.sync(request)->code() == ErrorCode::kInconsistentGroupProtocol);
  request.protocol_type = "consumer";
  request.protocol_name = "sticky";
  CHECK(scene.sync(request)->code() == ErrorCode::kInconsistentGroupProtocol);
  request.protocol_name = "range";
  const auto synced = scene.sync(request);
  CHECK(synced->code() == ErrorCode::kNone);
  CHECK(synced->answer.value().protocol_type == "consumer");
  CHECK(synced->answer.value().protocol_name == "range");
  CHECK(scene.group.state() == GroupState::kStable);
}

TEST_CASE("joins that can't be", "[group]") {
  GroupScene scene;
  auto request = join_request();
  SECTION("a session too short") {
    request.session_timeout_ms = 5'999;
    CHECK(scene.join(request)->code() == ErrorCode::kInvalidSessionTimeout);
  }
  SECTION("a session too long") {
    request.session_timeout_ms = 1'800'001;
    CHECK(scene.join(request)->code() == ErrorCode::kInvalidSessionTimeout);
  }
  SECTION("no protocol type") {
    request.protocol_type = "";
    CHECK(scene.join(request)->code() == ErrorCode::kInconsistentGroupProtocol);
  }
  SECTION("no protocol") {
    request.protocols.clear();
    CHECK(scene.join(request)->code() == ErrorCode::kInconsistentGroupProtocol);
  }
  SECTION("another protocol type than the others'") {
    (void)scene.stable(1);
    request.protocol_type = "connect";
    CHECK(scene.join(request)->code() == ErrorCode::kInconsistentGroupProtocol);
  }
  SECTION("no protocol that the others know") {
    (void)scene.stable(1);
    request.protocols = {{"sticky", ""}};
    CHECK(scene.join(request)->code() == ErrorCode::kInconsistentGroupProtocol);
    CHECK(scene.group.state() == GroupState::kStable);
  }
  SECTION("too much to say") {
    request.protocols[0].metadata = std::string(scene.limits.metadata, 'x');
    CHECK(scene.join(request)->code() == ErrorCode::kGroupMaxSizeReached);
  }
  SECTION("too many protocols") {
    request.protocols.clear();
    for (std::size_t i = 0; i <= scene.limits.protocols; ++i)
      request.protocols.push_back({std::to_string(i), ""});
    CHECK(scene.join(request)->code() == ErrorCode::kInvalidRequest);
  }
  SECTION("too many members, with those that were only given an id") {
    scene.limits.members = 3;
    (void)scene.stable(2);
    CHECK(scene.join(request, 4)->code() == ErrorCode::kMemberIdRequired);
    CHECK(scene.join(request, 4)->code() == ErrorCode::kGroupMaxSizeReached);
    CHECK(scene.join(request)->code() == ErrorCode::kGroupMaxSizeReached);
    CHECK(scene.join(static_join("mill"))->code() == ErrorCode::kGroupMaxSizeReached);
  }
}

TEST_CASE("an assignment that is too large is refused, and the group goes on", "[group]") {
  GroupScene scene;
  const auto joined = scene.join(join_request());
  const auto id = joined->answer.value().member_id;
  CHECK(scene.sync(id, {{id, std::string(scene.limits.metadata + 1, 'x')}})->code() ==
        ErrorCode::kGroupMaxSizeReached);
  CHECK(scene.sync(id, {{id, "less"}})->answer.value().assignment == "less");
}

TEST_CASE("the protocol is the one most members like best, among those that all offer", "[group]") {
  using Offers = std::vector<std::vector<std::string>>;
  const auto [offers, chosen] = GENERATE(table<Offers, std::string>({
      {{{"range"}}, "range"},
      {{{"sticky", "range"}, {"range"}}, "range"},
      {{{"sticky", "range"}, {"range", "sticky"}, {"range", "sticky"}}, "range"},
      {{{"sticky", "range"}, {"sticky", "range"}, {"range", "sticky"}}, "sticky"},
      {{{"sticky", "range"}, {"range", "sticky"}}, "sticky"},  // a draw: as the leader likes it
      {{{"own", "sticky", "range"}, {"range", "sticky"}, {"other", "range", "sticky"}}, "range"},
  }));
  Members members;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    Member member;
    for (const std::string& name : offers[i]) member.protocols.push_back({name, "for " + name});
    CHECK(members.agree(member.protocols, nullptr));
    members.add(std::to_string(i), member);
  }
  CHECK(members.vote("0") == chosen);
  CHECK(members.find("0")->metadata(chosen) == "for " + chosen);
}

TEST_CASE("a member may change what it offers, as long as it fits to the others", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  CHECK(scene.join(join_request(ids[1], {{"sticky", ""}}))->code() == ErrorCode::kInconsistentGroupProtocol);
  const auto joined = scene.join(join_request(ids[1], {{"sticky", ""}, {"range", "other topics"}}));
  CHECK(joined->waits());
  const auto leader = scene.join(join_request(ids[0]));
  REQUIRE(leader->answer.has_value());
  const auto& members = leader->answer->members;
  CHECK(std::ranges::any_of(members, [](const auto& each) { return each.metadata == "other topics"; }));

  GroupScene alone;
  const auto id = alone.stable(1)[0];
  CHECK(alone.join(join_request(id, {{"sticky", ""}}))->answer.value().protocol_name == "sticky");
}

TEST_CASE("joining again with the same words costs a follower no rebalance, a leader does cause one",
          "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const auto generation = scene.group.generation();
  const auto follower = scene.join(join_request(ids[1]));
  CHECK(follower->answer.value().generation_id == generation);
  CHECK(follower->answer->members.empty());
  CHECK(scene.group.state() == GroupState::kStable);
  CHECK(scene.join(join_request(ids[0]))->waits());
  CHECK(scene.group.state() == GroupState::kPreparingRebalance);
}

TEST_CASE("who lost the answer to its JoinGroup asks again and gets it", "[group]") {
  GroupScene scene;
  const auto first = scene.join(join_request());
  const auto id = first->answer.value().member_id;
  const auto again = scene.join(join_request(id));
  CHECK(again->answer.value().generation_id == 1);
  CHECK(again->answer->members.size() == 1);
  CHECK(scene.sync(id)->code() == ErrorCode::kNone);
  // The same while waiting: the later connection is the one that counts.
  const auto second = scene.join(join_request());
  const auto waiting = scene.join(join_request(id));
  CHECK(second->answer.has_value());
  const auto third = scene.join(join_request());
  const auto earlier = scene.join(join_request(id)), later = scene.join(join_request(id));
  CHECK(earlier->code() == ErrorCode::kRebalanceInProgress);
  CHECK(later->waits());
}

TEST_CASE("a leader that joins again instead of assigning holds nobody up for ever", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  (void)scene.join(join_request(ids[1], {{"range", "more"}}));
  (void)scene.join(join_request(ids[0]));
  REQUIRE(scene.group.state() == GroupState::kCompletingRebalance);
  const auto leading = scene.sync(ids[1]);
  CHECK(leading->waits());
  for (int i = 0; i < 12; ++i) {
    scene.pass(5s);
    (void)scene.join(join_request(ids[0]));
    (void)scene.heartbeat(ids[0]);
  }
  CHECK(leading->code() == ErrorCode::kRebalanceInProgress);
  CHECK(scene.group.size() <= 2);
}

TEST_CASE("who changes its mind while the leader assigns starts over with all", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  (void)scene.join(join_request(ids[0]));
  (void)scene.join(join_request(ids[1]));
  REQUIRE(scene.group.state() == GroupState::kCompletingRebalance);
  const auto waiting = scene.sync(ids[1]);
  const auto third = scene.join(join_request());
  CHECK(waiting->code() == ErrorCode::kRebalanceInProgress);
  CHECK(third->waits());
  CHECK(scene.sync(ids[0], {{ids[0], "late"}})->code() == ErrorCode::kRebalanceInProgress);
}

TEST_CASE("the rebalance timeout drops who did not join again", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const auto third = scene.join(join_request());
  const auto first = scene.join(join_request(ids[0]));
  for (int i = 0; i < 11; ++i) {  // alive, but too busy to join
    scene.pass(5s);
    CHECK(scene.heartbeat(ids[1]) == ErrorCode::kRebalanceInProgress);
  }
  CHECK(first->waits());
  scene.pass(5s);
  CHECK(first->answer.value().members.size() == 2);
  CHECK(third->code() == ErrorCode::kNone);
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kUnknownMemberId);
}

TEST_CASE("a member that is not heard of is lost with its session, and the others share", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  scene.pass(9s);
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kNone);
  scene.pass(999ms);
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kNone);
  scene.pass(1ms);
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kRebalanceInProgress);
  const auto joined = scene.join(join_request(ids[1]));
  CHECK(joined->answer.value().leader == ids[1]);
  CHECK(joined->answer->members.size() == 1);
}

TEST_CASE("a leader that never assigns is dropped: its followers start over", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  (void)scene.join(join_request(ids[0]));
  (void)scene.join(join_request(ids[1]));
  const auto waiting = scene.sync(ids[1]);
  SECTION("by its session") { scene.pass(10s); }
  SECTION("alive or not, by the rebalance timeout") {
    for (int i = 0; i < 11; ++i) {
      scene.pass(5s);
      CHECK(scene.heartbeat(ids[0]) == ErrorCode::kNone);
    }
    CHECK(waiting->waits());
    scene.pass(5s);
  }
  CHECK(waiting->code() == ErrorCode::kRebalanceInProgress);
  CHECK(scene.group.size() == 1);
  CHECK(scene.join(join_request(ids[1]))->answer.value().leader == ids[1]);
}

TEST_CASE("a follower that never asks for its assignment is dropped", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  (void)scene.join(join_request(ids[0]));
  (void)scene.join(join_request(ids[1]));
  (void)scene.sync(ids[0], {{ids[0], "a"}, {ids[1], "b"}});
  for (int i = 0; i < 12; ++i) {
    (void)scene.heartbeat(ids[0]);
    (void)scene.heartbeat(ids[1]);
    scene.pass(5s);
  }
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kUnknownMemberId);
  CHECK(scene.heartbeat(ids[0]) == ErrorCode::kRebalanceInProgress);
}

TEST_CASE("who hung up while it waited gets no partitions", "[group]") {
  GroupScene scene;
  const auto first = scene.stable(1)[0];
  scene.join(join_request())->hung_up = true;
  const auto joined = scene.join(join_request(first));
  CHECK(joined->answer.value().members.size() == 1);
}

TEST_CASE("an empty group waits for more members, if it shall", "[group]") {
  GroupScene scene;
  scene.limits.first_join_delay = 3s;
  const auto first = scene.join(join_request());
  scene.pass(2s);
  const auto second = scene.join(join_request());
  scene.pass(2s);
  CHECK(first->waits());  // each newcomer starts the delay again
  scene.pass(1s);
  CHECK(first->answer.value().generation_id == 1);
  CHECK(first->answer->members.size() + second->answer.value().members.size() == 2);
  // Not for those who come later.
  const auto id = first->answer->member_id, other = second->answer->member_id;
  (void)scene.join(join_request());
  (void)scene.join(join_request(id));
  CHECK(scene.join(join_request(other))->answer.has_value());
}

TEST_CASE("leaving makes the others share at once; the last one leaves an empty group", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  (void)scene.group.take_changed();
  CHECK(scene.group.leave(ids[0], {}, scene.now) == ErrorCode::kNone);
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kRebalanceInProgress);
  CHECK_FALSE(scene.group.take_changed());
  CHECK(scene.group.leave(ids[1], {}, scene.now) == ErrorCode::kNone);
  CHECK(scene.group.state() == GroupState::kEmpty);
  CHECK(scene.group.take_changed());
  CHECK(scene.group.bytes() == 0);
  CHECK_FALSE(scene.group.deadline().has_value());
  CHECK(scene.commit("", -1) == ErrorCode::kNone);  // from outside: there are no members now
  CHECK(scene.heartbeat(ids[1]) == ErrorCode::kUnknownMemberId);
  // The next generation may be of another kind.
  auto request = join_request();
  request.protocol_type = "connect";
  CHECK(scene.join(request)->code() == ErrorCode::kNone);
  CHECK_FALSE(scene.group.forget());
}

TEST_CASE("one who leaves while it waits is answered", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const auto waiting = scene.join(join_request(ids[0]));
  CHECK(scene.group.leave(ids[0], {}, scene.now) == ErrorCode::kNone);
  CHECK(waiting->code() == ErrorCode::kUnknownMemberId);
}

TEST_CASE("an invited one that leaves holds nobody up", "[group]") {
  GroupScene scene;
  const auto invited = scene.join(join_request(), 4)->answer.value().member_id;
  const auto joined = scene.join(join_request());
  CHECK(joined->waits());
  CHECK(scene.group.leave(invited, {}, scene.now) == ErrorCode::kNone);
  CHECK_FALSE(joined->waits());
}

// --- static members ----------------------------------------------------------------------------------------------

TEST_CASE("a static member that comes back keeps its assignment and disturbs nobody", "[group]") {
  const int version = GENERATE(5, 8, 9);
  GroupScene scene;
  const auto first = scene.join(static_join("one"), version);
  const auto id = first->answer.value().member_id;
  CHECK(id == "one-1");
  (void)scene.sync(id, {{id, "mine"}});
  (void)scene.group.take_changed();
  scene.pass(9s);
  const auto back = scene.join(static_join("one"), version);
  REQUIRE(back->answer.has_value());
  const auto new_id = back->answer->member_id;
  CHECK(new_id != id);
  CHECK(back->answer->generation_id == 1);
  CHECK(scene.group.state() == GroupState::kStable);
  CHECK(scene.group.take_changed());  // the file must know the new id
  // As the leader it must not assign again.
  CHECK(back->answer->skip_assignment == (version >= 9));
  CHECK(back->answer->leader == (version >= 9 ? new_id : id));
  CHECK(back->answer->members.size() == (version >= 9 ? 1 : 0));

  CHECK(scene.sync(new_id)->answer.value().assignment == "mine");
  CHECK(scene.heartbeat(new_id, 1, "one") == ErrorCode::kNone);
  CHECK(scene.heartbeat(id, 1, "one") == ErrorCode::kFencedInstanceId);
  CHECK(scene.commit(id, 1, "one") == ErrorCode::kFencedInstanceId);
  CHECK(scene.join(static_join("one", id))->code() == ErrorCode::kFencedInstanceId);
  CHECK(scene.sync({.generation_id = 1, .member_id = id, .group_instance_id = "one"})->code() ==
        ErrorCode::kFencedInstanceId);
  CHECK(scene.group.leave(id, "one", scene.now) == ErrorCode::kFencedInstanceId);
  CHECK(scene.heartbeat(id, 1) == ErrorCode::kUnknownMemberId);
  scene.pass(9s);
  CHECK(scene.group.size() == 1);
}

TEST_CASE("a static member that comes back with another protocol makes a rebalance", "[group]") {
  GroupScene scene;
  auto request = static_join("one");
  const auto id = scene.join(request)->answer.value().member_id;
  (void)scene.sync(id);
  request.protocols = {{"sticky", ""}};
  const auto back = scene.join(request);
  CHECK(back->answer.value().generation_id == 2);
  CHECK(back->answer->protocol_name == "sticky");
}

TEST_CASE("the twin of a static member fences the one that waits", "[group]") {
  GroupScene scene;
  const auto first = scene.stable(1)[0];
  const auto one = scene.join(static_join("one")), twin = scene.join(static_join("one"));
  CHECK(one->code() == ErrorCode::kFencedInstanceId);
  CHECK(twin->waits());
  (void)scene.join(join_request(first));
  const auto id = twin->answer.value().member_id;
  const auto waiting = scene.sync(id);
  const auto third = scene.join(static_join("one"));  // while the leader assigns
  CHECK(waiting->code() == ErrorCode::kFencedInstanceId);
  CHECK(third->waits());
  CHECK(scene.group.state() == GroupState::kPreparingRebalance);
  CHECK(scene.group.size() == 2);
}

TEST_CASE("a static member may miss a rebalance, until its session ends", "[group]") {
  GroupScene scene;
  auto request = static_join("one");
  request.session_timeout_ms = 600'000;
  const auto id = scene.join(request)->answer.value().member_id;
  (void)scene.sync(id);
  const auto other = scene.join(join_request());
  scene.pass(60s);
  REQUIRE(other->answer.has_value());
  CHECK(other->answer->leader == other->answer->member_id);
  CHECK(other->answer->members.size() == 2);
  const auto other_id = other->answer->member_id;
  (void)scene.sync(other_id, {{other_id, "half"}, {id, "the other half"}});
  for (int i = 0; i < 60; ++i) {
    scene.pass(8s);
    CHECK(scene.heartbeat(other_id) == ErrorCode::kNone);
  }
  CHECK(scene.join(request)->code() == ErrorCode::kNone);
  CHECK(scene.group.state() == GroupState::kStable);
}

TEST_CASE("an operator may send a static member away by its instance", "[group]") {
  GroupScene scene;
  (void)scene.join(static_join("one"));
  CHECK(scene.group.leave("", "two", scene.now) == ErrorCode::kUnknownMemberId);
  CHECK(scene.group.leave("", "one", scene.now) == ErrorCode::kNone);
  CHECK(scene.group.state() == GroupState::kEmpty);
}

// --- records -----------------------------------------------------------------------------------------------------

TEST_CASE("after a restart members go on with their next heartbeat", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  const os::WallTime written(std::chrono::hours(5));
  const GroupRecord record = scene.group.record(written);
  CHECK(record.generation == 2);
  CHECK(record.protocol == "range");
  CHECK(record.leader == ids[0]);
  CHECK(record.written == written);

  scene.pass(1h);
  Group group(record, scene.limits, scene.new_id, scene.now);
  CHECK(group.state() == GroupState::kStable);
  CHECK(group.record(written) == record);
  CHECK(group.heartbeat({.generation_id = 2, .member_id = ids[1]}, scene.now) == ErrorCode::kNone);
  CHECK(group.commit({.generation_id_or_member_epoch = 2, .member_id = ids[0]}, scene.now) ==
        ErrorCode::kNone);
  REQUIRE(group.deadline().has_value());
  CHECK(*group.deadline() == scene.now + 10s);
  const auto synced = std::make_shared<Synced::element_type>();
  group.sync({.generation_id = 2, .member_id = ids[1]}, asker_for(synced), scene.now);
  CHECK(synced->answer.value().assignment == "of " + ids[1]);
  group.expire(scene.now + 10s);
  CHECK(group.state() == GroupState::kEmpty);
  CHECK(group.generation() == 3);
}

TEST_CASE("what is told of a group", "[group]") {
  GroupScene scene;
  CHECK(scene.group.describe().group_state == "Empty");
  const auto ids = scene.stable(1);
  const auto told = scene.group.describe();
  CHECK(told.group_id == "readers");
  CHECK(told.group_state == "Stable");
  CHECK(told.protocol_type == "consumer");
  CHECK(told.protocol_data == "range");
  REQUIRE(told.members.size() == 1);
  CHECK(told.members[0].member_id == ids[0]);
  CHECK(told.members[0].client_id == "client");
  CHECK(told.members[0].client_host == "/127.0.0.1");
  CHECK(told.members[0].member_metadata == "topics");
  CHECK(told.members[0].member_assignment == "of " + ids[0]);
  (void)scene.join(join_request());
  CHECK(scene.group.describe().group_state == "PreparingRebalance");
  CHECK(scene.group.describe().members[0].member_assignment.empty());
}

TEST_CASE("closing answers all who wait, once", "[group]") {
  GroupScene scene;
  const auto ids = scene.stable(2);
  SECTION("for the generation") {
    const auto joined = scene.join(join_request());
    scene.group.close(ErrorCode::kCoordinatorNotAvailable);
    CHECK(joined->code() == ErrorCode::kCoordinatorNotAvailable);
    CHECK(joined->times == 1);
  }
  SECTION("for the assignment") {
    (void)scene.join(join_request(ids[0]));
    (void)scene.join(join_request(ids[1]));
    const auto synced = scene.sync(ids[1]);
    scene.group.close(ErrorCode::kCoordinatorNotAvailable);
    CHECK(synced->code() == ErrorCode::kCoordinatorNotAvailable);
    CHECK(synced->times == 1);
  }
}
