#include "log/directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <thread>

#include "catch.h"
#include "log/batches.h"
#include "log/partition_files.h"
#include "os/clock.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::log;
using namespace std::chrono_literals;
using testing::some_batch;

namespace {

struct Waiter final : Interest {
  void on_change() override { then(); }
  std::function<void()> then = [] {};
};

// A loop with a catalog, run by the test's own thread.
struct Reading {
  explicit Reading(Directory& directory) : subscription(directory.subscribe(loop)) {}

  Partition* partition(std::string_view topic, std::int32_t index = 0) {
    Topic* found = subscription->catalog().find(topic);
    return found == nullptr ? nullptr : Catalog::partition_of(*found, index);
  }
  std::int64_t end(std::string_view topic) {
    const Partition* found = partition(topic);
    return found == nullptr ? -1 : found->view->end;
  }
  // Turns of the loop until `done`: for what nobody can wait for.
  void until(const std::function<bool()>& done) {
    const auto latest = os::now() + 10s;
    while (!done()) {
      REQUIRE(os::now() < latest);
      loop.post([this] { loop.stop(); });
      loop.run();
      std::this_thread::sleep_for(1ms);
    }
  }
  // ... until the partition is told of. Any thread's own.
  [[nodiscard]] bool told(std::string_view topic) {
    Waiter waiter;
    waiter.then = [this] { loop.stop(); };
    partition(topic)->interests.push_back(waiter);
    struct Late final : loop::Deadline {
      explicit Late(loop::EventLoop& on) : loop(on) {}
      void on_deadline() override {
        late = true;
        loop.stop();
      }
      loop::EventLoop& loop;
      bool late = false;
    } late(loop);
    loop.deadlines().set(late, os::now() + 10s);
    loop.run();
    return !late.late;
  }

  loop::EventLoop loop;
  std::unique_ptr<Directory::Subscription> subscription;
};

}  // namespace

TEST_CASE("whoever subscribes has a catalog of all there is, kept up to date on its loop",
          "[log-directory]") {
  const bool inotify = GENERATE(true, false);
  const testing::ScratchDirectory root;
  const PartitionFiles files(root / "", "t", 0);
  files.append(0, some_batch(0, 5));
  Directory directory(root / "", {.look_every = 20ms, .inotify = inotify});
  CHECK(directory.path() == root / "");
  CHECK(directory.cluster_id().empty());
  CHECK(directory.partitions() == 1);
  Reading one(directory), two(directory);
  CHECK(one.end("t") == 5);
  CHECK(two.end("t") == 5);

  files.append(0, some_batch(5, 5));
  CHECK(one.told("t"));
  CHECK(one.end("t") == 10);
  CHECK(two.end("t") == 5);  // its loop had no turn yet
  two.until([&] { return two.end("t") == 10; });

  PartitionFiles(root / "", "u", 0).append(0, some_batch(0, 1));
  one.until([&] { return one.end("u") == 1; });
  two.subscription.reset();  // with a change under way
  std::filesystem::remove_all(files.path());
  CHECK(one.told("t"));
  CHECK(one.end("t") == -1);
  CHECK_FALSE(one.subscription->catalog().find("t")->exists());
  CHECK(directory.partitions() == 1);
  CHECK(directory.changes() >= 4);
  two.loop.post([&] { two.loop.stop(); });
  two.loop.run();

  // Who comes late sees what there is now.
  Reading three(directory);
  CHECK(three.end("u") == 1);
  CHECK(three.end("t") == -1);
}

TEST_CASE("a topic that was made anew has its new id and none of its old partitions", "[log-directory]") {
  const testing::ScratchDirectory root;
  for (const std::int32_t index : {0, 1}) {
    const PartitionFiles files(root / "", "t", index);
    files.append(0, some_batch(0, 5));
    files.set_id(1);
  }
  Directory directory(root / "");
  Reading reading(directory);
  Catalog& catalog = reading.subscription->catalog();
  const Uuid old = catalog.find("t")->id;
  CHECK(catalog.find(old) == catalog.find("t"));
  for (const char* name : {"t-0", "t-1"})
    std::filesystem::rename(root / name, (root / name) + ".5f3e-delete");
  const PartitionFiles files(root / "", "t", 0);
  files.append(0, some_batch(0, 2));
  files.set_id(2);
  reading.until([&] { return reading.end("t") == 2 && catalog.find("t")->id[0] == 2; });
  CHECK(catalog.find(old) == nullptr);
  CHECK(reading.partition("t", 1) == nullptr);

  // However late it is told: an old id is not the new topic's, which has none yet.
  Reading early(directory);
  std::filesystem::rename(root / "t-0", root / "t-0.77aa-delete");
  PartitionFiles(root / "", "t", 0).append(0, some_batch(0, 1));
  early.until([&] { return early.end("t") == 1; });
  reading.until([&] { return reading.end("t") == 1; });
  CHECK(catalog.find("t")->id == Uuid{});
}

TEST_CASE("an append is told within milliseconds", "[log-directory]") {
  const testing::ScratchDirectory root;
  const PartitionFiles files(root / "", "t", 0);
  files.append(0, some_batch(0, 1));
  Directory directory(root / "");
  Reading reading(directory);
  std::vector<std::chrono::microseconds> waits;
  for (int i = 1; i <= 50; ++i) {
    const auto begun = os::now();
    files.append(0, some_batch(i, 1));
    while (reading.end("t") != i + 1) REQUIRE(reading.told("t"));
    waits.push_back(std::chrono::duration_cast<std::chrono::microseconds>(os::now() - begun));
  }
  std::sort(waits.begin(), waits.end());
  // A hundred times what it takes: other tests run beside.
  INFO("median " << waits[25].count() << " us");
  CHECK(waits[25] < 20ms);
}

TEST_CASE("a flood of appends is seen in few looks, and nothing is lost", "[log-directory]") {
  const testing::ScratchDirectory root;
  const PartitionFiles files(root / "", "t", 0);
  files.append(0, "");
  Directory directory(root / "");
  Reading reading(directory);
  constexpr int kBatches = 20'000;
  std::thread writer([&] {
    const os::UniqueFd log(::open(files.file(0).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    for (int i = 0; i != kBatches; ++i) {
      const std::string batch = some_batch(i, 1);
      if (::write(log.get(), batch.data(), batch.size()) != static_cast<ssize_t>(batch.size())) return;
    }
  });
  std::int64_t seen = 0;
  reading.until([&] {
    CHECK(reading.end("t") >= seen);
    seen = reading.end("t");
    return seen == kBatches;
  });
  writer.join();
  CHECK(directory.changes() < kBatches / 4);
}

TEST_CASE("a long log is there at once, what is committed of it a little later", "[log-directory]") {
  const testing::ScratchDirectory root;
  const PartitionFiles files(root / "", "t", 0);
  std::string bytes;
  for (int i = 0; i != 50'000; ++i) bytes += some_batch(i, 1);
  files.append(0, bytes);
  files.append(0, bytes = testing::in_transaction(some_batch(50'000, 1), 1));
  Directory directory(root / "");
  Reading reading(directory);
  CHECK(reading.end("t") == 50'001);
  reading.until([&] { return reading.partition("t")->view->last_stable == 50'000; });
  files.append(0, testing::marker(50'001, 1, true));
  reading.until([&] { return reading.partition("t")->view->last_stable == 50'002; });
}

TEST_CASE("loops end and directories go while a log grows", "[log-directory]") {
  const testing::ScratchDirectory root;
  const PartitionFiles files(root / "", "t", 0);
  files.append(0, "");
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    for (int i = 0; !enough; ++i) files.append(i - i % 100, some_batch(i, 1));
  });
  for (int i = 0; i != 20; ++i) {
    Directory directory(root / "", {.look_every = 1ms, .inotify = i % 4 != 0});
    Reading running(directory);
    Reading never(directory);  // its loop does not run: what waits for it is bounded
    bool other_told = true;
    std::thread other([&] {
      Reading brief(directory);
      if (i % 2 == 0) other_told = brief.told("t");
    });
    CHECK(running.told("t"));
    other.join();
    CHECK(other_told);
  }
  enough = true;
  writer.join();
}

TEST_CASE("hundreds of partitions, without a descriptor for each", "[log-directory]") {
  const testing::ScratchDirectory root;
  constexpr int kPartitions = 500;
  const std::string batch = some_batch(0, 5);
  for (int i = 0; i != kPartitions; ++i) PartitionFiles(root / "", "t", i).append(0, batch);
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = descriptors();
  const auto begun = os::now();
  Directory directory(root / "");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(os::now() - begun);
  std::cout << kPartitions << " partitions of a log directory read in " << took.count() << " ms\n";
  CHECK(directory.partitions() == kPartitions);
  Reading reading(directory);
  CHECK(descriptors() <= before + 10);
  PartitionFiles(root / "", "t", 333).append(0, some_batch(5, 1));
  reading.until([&] { return reading.partition("t", 333)->view->end == 6; });
  CHECK(directory.changes() == kPartitions + 1);
}
