// Clients that come, go, fall silent and hang up as chance has it, and what must hold whatever they do.
#include <map>
#include <random>
#include <set>

#include "catch.h"
#include "groups/group_scene.h"
#include "observe/log.h"

using namespace sluice;
using namespace sluice::groups;
using namespace sluice::testing;
using namespace std::chrono_literals;

namespace {

constexpr int kPartitions = 12;
constexpr auto kPatience = 60s;  // the rebalance timeout of all

// What a client knows of itself, and the request it waits on.
struct Player {
  std::optional<std::string> instance_id;
  int version = 3;
  std::string member_id;
  std::int32_t generation = -1;
  Joined joining;
  Synced syncing;
  os::Time asked{};
  [[nodiscard]] bool waits() const {
    return (joining != nullptr && joining->waits()) || (syncing != nullptr && syncing->waits());
  }
};

class Play {
 public:
  explicit Play(unsigned seed) : random_(seed) {
    scene_.limits.first_join_delay = seed % 3 == 0 ? 2s : 0s;
    players_.resize(6);
    players_[0].instance_id = "mill";
    players_[1].instance_id = "saw";
    for (auto& player : players_) player.version = random() % 2 == 0 ? 3 : 9;
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Player& player = players_[random() % players_.size()];
      switch (random() % 10) {
        case 0:
        case 1:
        case 2:
          pass(std::chrono::milliseconds(random() % 4000));
          break;
        case 3:
          leave(player);
          break;
        case 4:
          crash(player);
          break;
        default:
          go_on(player);
      }
      hear();
    }
  }

  // All leave, or are missed: nothing stays.
  void end() {
    for (Player& player : players_) {
      if (random() % 2 == 0) leave(player);
      hear();
    }
    pass(3 * kPatience);
    for (const Player& player : players_) CHECK_FALSE(player.waits());
    for (const auto& each : asked_joins_) CHECK((each->times == 1 || (each->times == 0 && each->hung_up)));
    for (const auto& each : asked_syncs_) CHECK(each->times == 1);
    CHECK(scene_.group.size() == 0);
    CHECK(scene_.group.bytes() == 0);
    CHECK_FALSE(scene_.group.deadline().has_value());
    CHECK(scene_.group.forget());
  }

  int assigned = 0;  // how often a member got its partitions

 private:
  unsigned random() { return static_cast<unsigned>(random_() & 0x7fffffff); }

  // What a sound client would do next.
  void go_on(Player& player) {
    if (player.waits()) return;
    if (player.generation < 0) return join(player);
    if (player.syncing == nullptr) return sync(player);
    const ErrorCode code = scene_.heartbeat(player.member_id, player.generation, player.instance_id);
    if (code == ErrorCode::kRebalanceInProgress) return join(player);
    if (code != ErrorCode::kNone) lose(player, code);
  }

  void join(Player& player) {
    auto request = join_request(player.member_id);
    request.group_instance_id = player.instance_id;
    if (random() % 8 == 0) request.protocols[0].metadata = std::to_string(random() % 3);
    player.generation = -1;
    player.syncing = nullptr;
    player.asked = scene_.now;
    player.joining = scene_.join(request, player.version);
    asked_joins_.push_back(player.joining);
  }

  void sync(Player& player) {
    kafka::SyncGroupRequest request{.generation_id = player.generation,
                                    .member_id = player.member_id,
                                    .group_instance_id = player.instance_id};
    const auto& joined = *player.joining->answer;
    if (joined.leader == joined.member_id && !joined.skip_assignment)
      for (std::size_t i = 0; i < joined.members.size(); ++i) {
        std::string partitions;
        for (int p = 0; p < kPartitions; ++p)
          if (static_cast<std::size_t>(p) % joined.members.size() == i)
            partitions += static_cast<char>('a' + p);
        request.assignments.push_back({joined.members[i].member_id, partitions});
      }
    player.asked = scene_.now;
    player.syncing = scene_.sync(request);
    asked_syncs_.push_back(player.syncing);
  }

  void leave(Player& player) {
    if (player.member_id.empty() || player.waits()) return;
    (void)scene_.group.leave(player.member_id, player.instance_id, scene_.now);
    forget(player);
  }

  void crash(Player& player) {
    if (player.joining != nullptr) player.joining->hung_up = true;
    if (player.syncing != nullptr) player.syncing->hung_up = true;
    forget(player);
  }

  static void forget(Player& player) {
    player.member_id.clear();
    player.generation = -1;
    player.joining = nullptr;
    player.syncing = nullptr;
  }

  void lose(Player& player, ErrorCode code) {
    player.generation = -1;
    player.syncing = nullptr;
    if (code == ErrorCode::kUnknownMemberId || code == ErrorCode::kFencedInstanceId) forget(player);
  }

  // Looks at the answers that came.
  void hear() {
    for (Player& player : players_) {
      if (player.joining != nullptr && !player.joining->waits() && player.generation < 0) heard_join(player);
      if (player.syncing != nullptr && !player.syncing->waits()) heard_sync(player);
    }
  }

  void heard_join(Player& player) {
    const auto& answer = *player.joining->answer;
    if (answer.error_code == ErrorCode::kMemberIdRequired) player.member_id = answer.member_id;
    if (answer.error_code != ErrorCode::kNone) return lose(player, answer.error_code);
    player.member_id = answer.member_id;
    player.generation = answer.generation_id;
  }

  void heard_sync(Player& player) {
    const auto& answer = *player.syncing->answer;
    if (answer.error_code != ErrorCode::kNone) return lose(player, answer.error_code);
    if (!seen_.insert(player.syncing.get()).second) return;
    ++assigned;
    // A partition belongs to one in a generation. A static member may have two ids there, one after the other.
    for (const char partition : answer.assignment) {
      const std::string who = player.instance_id.value_or(player.member_id);
      const auto [owner, is_new] = owners_.try_emplace({player.generation, partition}, who);
      INFO("generation " << player.generation << ", partition " << partition);
      CHECK(owner->second == who);
    }
  }

  void pass(std::chrono::milliseconds time) {
    scene_.pass(time);
    hear();
    const std::chrono::milliseconds longest = kPatience + scene_.limits.first_join_delay;
    for (const Player& player : players_)
      if (player.waits()) CHECK(scene_.now - player.asked <= longest);
  }

  GroupScene scene_;
  std::mt19937 random_;
  std::vector<Player> players_;
  std::vector<Joined> asked_joins_;
  std::vector<Synced> asked_syncs_;
  std::set<const void*> seen_;
  std::map<std::pair<std::int32_t, char>, std::string> owners_;
};

}  // namespace

TEST_CASE("whatever clients do, a partition has one owner in a generation, and who waits is answered in time",
          "[group-schedule]") {
  observe::set_log_level("warn");  // many members are lost here
  int assigned = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Play play(seed);
    play.run(400);
    play.end();
    assigned += play.assigned;
  }
  observe::set_log_level("info");
  CHECK(assigned > 2000);  // else the players did not get anywhere
}
