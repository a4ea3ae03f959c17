#include "log/watcher.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iostream>

#include "catch.h"
#include "log/batches.h"
#include "log/partition_files.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::log;
using testing::in_transaction, testing::marker, testing::some_batch;

namespace {

// A watcher on a directory, and what it said last of each partition. The same cases are played without inotify.
struct Watched {
  explicit Watched(bool with_inotify) : inotify(with_inotify) { root.make_directory("logs"); }

  void start() {
    watcher.emplace(path(), inotify);
    CHECK(watcher->any_unwatched() == !inotify);
    note();
  }
  // An event is in the queue when the call that caused it has returned: there is nothing to wait for.
  void update() {
    if (watcher->fd() != -1) watcher->take_events();
    if (watcher->any_unwatched()) watcher->look_at_unwatched();
    note();
  }
  void note() {
    changes = watcher->changes();
    for (const Change& change : changes) known[directory_of(change.topic, change.index)] = change;
  }

  [[nodiscard]] std::string path() const { return root / "logs"; }
  PartitionFiles partition(std::string_view topic, std::int32_t index = 0) const {
    return {path(), topic, index};
  }
  PartitionViewPtr view(const std::string& name) { return known[name].view; }
  std::int64_t end(const std::string& name) {
    REQUIRE(view(name) != nullptr);
    return view(name)->end;
  }

  const bool inotify;
  testing::ScratchDirectory root;
  std::optional<Watcher> watcher;
  std::vector<Change> changes;  // of the last update
  std::map<std::string, Change> known;
};

}  // namespace

TEST_CASE("what stands in a log directory at start", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  w.partition("a").append(0, some_batch(0, 5));
  w.partition("a", 1).append(7, some_batch(7, 5));
  w.partition("a-b").append(0, "");
  w.partition("no-segment");
  w.partition("__cluster_metadata").append(0, some_batch(0, 1));
  w.root.make_directory("logs/a-0.5f3e-delete");
  w.root.make_directory("logs/nothing");
  w.root.write("logs/file-0", "");
  w.root.write("logs/meta.properties", "version=1\ncluster.id=Wherever\nnode.id=1\n");
  w.root.write("logs/log-start-offset-checkpoint", "0\n1\na 0 3\n");
  const PartitionFiles elsewhere(w.root / "", "linked", 2);
  elsewhere.append(0, some_batch(0, 2));
  std::filesystem::create_directory_symlink(elsewhere.path(), w.path() + "/linked-2");
  std::filesystem::create_directory_symlink("nowhere", w.path() + "/dangling-0");
  w.start();

  CHECK(w.watcher->cluster_id() == "Wherever");
  CHECK(w.known.size() == 4);
  CHECK(w.end("a-0") == 5);
  CHECK(w.view("a-0")->log_start == 3);
  CHECK(w.end("a-1") == 12);
  CHECK(w.end("a-b-0") == 0);
  CHECK(w.end("linked-2") == 2);
  w.update();
  CHECK(w.changes.empty());

  elsewhere.append(0, some_batch(2, 1));
  w.update();
  CHECK(w.changes.size() == 1);
  CHECK(w.end("linked-2") == 3);
  std::filesystem::remove_all(elsewhere.path());
  w.update();
  CHECK(w.view("linked-2") == nullptr);
}

TEST_CASE("a directory that can't be read is refused", "[log-watcher]") {
  const testing::ScratchDirectory root;
  for (const bool inotify : {true, false}) {
    CHECK_THROWS_WITH(Watcher(root / "nothing", inotify), (root / "nothing") + ": No such file or directory");
    CHECK_THROWS_WITH(Watcher(root.write("file", ""), inotify), (root / "file") + ": Not a directory");
  }
}

TEST_CASE("appends, rolls, deletions and truncations are noticed", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  const PartitionFiles files = w.partition("t"), other = w.partition("other");
  files.append(0, some_batch(0, 5));
  other.append(0, some_batch(0, 5));
  w.start();

  // However many writes, one look.
  for (int i = 5; i != 10; ++i) files.append(0, some_batch(i, 1));
  w.update();
  CHECK(w.changes.size() == 1);
  CHECK(w.end("t-0") == 10);

  const std::string batch = some_batch(10, 5);
  files.append(0, batch.substr(0, 40));
  w.update();
  CHECK(w.changes.empty());
  files.append(0, batch.substr(40));
  w.update();
  CHECK(w.end("t-0") == 15);

  // What a broker makes and changes beside.
  files.append(0, std::string(1000, '\0'), FileKind::kOffsetIndex);
  files.append(0, std::string(1000, '\0'), FileKind::kTimeIndex);
  files.write("leader-epoch-checkpoint", "0\n0\n");
  w.update();
  CHECK(w.changes.empty());

  files.append(15, "");
  w.update();
  CHECK(w.view("t-0")->segments.size() == 2);
  files.append(15, some_batch(15, 5));
  w.update();
  CHECK(w.end("t-0") == 20);

  std::filesystem::rename(files.file(0), files.file(0) + ".deleted");
  w.update();
  CHECK(w.view("t-0")->log_start == 15);
  std::filesystem::remove(files.file(0) + ".deleted");
  w.update();
  CHECK(w.changes.empty());

  files.resize(15, 0);
  w.update();
  CHECK(w.end("t-0") == 15);
  files.append(15, some_batch(15, 1));
  files.append(16, some_batch(16, 1));
  files.append(17, some_batch(17, 1));
  w.update();
  CHECK(w.changes.size() == 1);
  CHECK(w.end("t-0") == 18);
  CHECK(w.view("t-0")->segments.size() == 3);
  CHECK(w.end("other-0") == 5);
}

TEST_CASE("transactions that open and end while the log is watched", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  const PartitionFiles files = w.partition("t");
  files.append(0, in_transaction(some_batch(0, 2), 1));
  w.start();
  CHECK(w.view("t-0")->last_stable == 0);
  files.append(0, in_transaction(some_batch(2, 2), 2) + marker(4, 1, true));
  w.update();
  CHECK(w.view("t-0")->last_stable == 2);
  files.append(0, marker(5, 2, false));
  w.update();
  CHECK(w.view("t-0")->last_stable == 6);
  REQUIRE(w.view("t-0")->aborted.size() == 1);
  CHECK(w.view("t-0")->aborted[0].first_offset == 2);
}

TEST_CASE("topics that come, go, and come again", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  w.start();
  CHECK(w.known.empty());

  {
    const PartitionFiles files = w.partition("t");
    w.update();
    CHECK(w.changes.empty());  // there is no segment yet
    files.append(0, "");
    w.update();
    CHECK(w.end("t-0") == 0);
    CHECK(w.known["t-0"].topic_id == Uuid{});
    files.set_id(1);
    files.append(0, some_batch(0, 3));
    w.update();
    CHECK(w.end("t-0") == 3);
    CHECK(w.known["t-0"].topic_id[0] == 1);
    w.partition("t", 1).append(0, some_batch(0, 1));
    w.update();
    CHECK(w.end("t-1") == 1);
    CHECK(w.end("t-0") == 3);
  }
  SECTION("as a broker deletes them") {
    const std::string away = w.path() + "/t-0.0123456789abcdef-delete";
    std::filesystem::rename(w.path() + "/t-0", away);
    w.update();
    CHECK(w.view("t-0") == nullptr);
    std::ofstream(away + "/00000000000000000000.log", std::ios::app) << some_batch(3, 1);
    w.update();
    CHECK(w.changes.empty());
    std::filesystem::remove_all(away);
  }
  SECTION("as anybody does") {
    std::filesystem::remove_all(w.path() + "/t-0");
    w.update();
    CHECK(w.view("t-0") == nullptr);
  }
  SECTION("and at once") { std::filesystem::rename(w.path() + "/t-0", w.path() + "/t-0.5f3e-delete"); }
  const PartitionFiles again = w.partition("t");
  again.append(0, some_batch(0, 2));
  again.set_id(2);
  w.update();
  CHECK(w.end("t-0") == 2);
  CHECK(w.known["t-0"].topic_id[0] == 2);
  again.append(0, some_batch(2, 2));
  w.update();
  CHECK(w.end("t-0") == 4);
  CHECK(w.end("t-1") == 1);
}

TEST_CASE("a partition that was made anew between two looks is another one", "[log-watcher]") {
  Watched w(true);
  w.partition("t").append(0, some_batch(0, 5));
  w.start();
  std::filesystem::remove_all(w.path() + "/t-0");
  w.partition("t").append(0, some_batch(0, 5));
  w.update();
  REQUIRE(w.changes.size() == 1);
  CHECK(w.changes[0].anew);
  CHECK(w.end("t-0") == 5);
  w.partition("t").append(0, some_batch(5, 1));
  w.update();
  REQUIRE(w.changes.size() == 1);
  CHECK_FALSE(w.changes[0].anew);
}

TEST_CASE("records that a broker was told to delete", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  w.partition("t").append(0, some_batch(0, 5));
  w.start();
  w.root.write("logs/log-start-offset-checkpoint.tmp", "0\n1\nt 0 4\n");
  w.update();
  CHECK(w.changes.empty());
  std::filesystem::rename(w.path() + "/log-start-offset-checkpoint.tmp",
                          w.path() + "/log-start-offset-checkpoint");
  w.update();
  CHECK(w.changes.size() == 1);
  CHECK(w.view("t-0")->log_start == 4);
}

TEST_CASE("a partition that can't be read is left out or stays as it was, and comes back", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  const PartitionFiles bad = w.partition("bad"), later = w.partition("later");
  std::filesystem::create_directory(bad.file(0));
  later.append(0, some_batch(0, 5));
  w.watcher.emplace(w.path(), w.inotify);
  w.note();
  CHECK(w.known.size() == 1);
  CHECK(w.watcher->any_unwatched());
  std::filesystem::create_directory(later.file(5));
  later.append(0, some_batch(5, 1));
  w.update();
  CHECK(w.end("later-0") == 5);

  std::filesystem::remove(bad.file(0));
  std::filesystem::remove(later.file(5));
  bad.append(0, some_batch(0, 2));
  w.update();
  CHECK(w.end("bad-0") == 2);
  CHECK(w.end("later-0") == 6);
  CHECK(w.watcher->any_unwatched() == !w.inotify);

  if (::geteuid() == 0) {
    WARN("permissions not tried: root may read everything");
    return;
  }
  ::chmod(bad.file(0).c_str(), 0);
  bad.append(2, some_batch(2, 1));
  w.update();
  CHECK(w.end("bad-0") == 2);
  ::chmod(bad.file(0).c_str(), 0644);
  w.update();
  CHECK(w.end("bad-0") == 3);
}

TEST_CASE("another directory takes the place of the log directory", "[log-watcher]") {
  Watched w(GENERATE(true, false));
  w.partition("old").append(0, some_batch(0, 5));
  w.partition("both").append(0, some_batch(0, 5));
  w.start();
  std::filesystem::rename(w.path(), w.root / "away");
  w.update();
  CHECK(w.end("old-0") == 5);  // an error in the log, and no more
  CHECK(w.watcher->any_unwatched());
  w.root.make_directory("logs");
  w.partition("new").append(0, some_batch(0, 1));
  w.partition("both").append(0, some_batch(0, 2));
  w.update();
  CHECK(w.view("old-0") == nullptr);
  CHECK(w.end("new-0") == 1);
  CHECK(w.end("both-0") == 2);
  CHECK(w.watcher->any_unwatched() == !w.inotify);
  w.partition("new").append(0, some_batch(1, 1));
  w.update();
  CHECK(w.end("new-0") == 2);
}

// In a user namespace of its own, where a process may have no more than so many watches. 0: as it should be; kNoNamespace.
constexpr int kNoNamespace = 77;
int with_few_watches(const std::string& path, const std::function<int()>& then) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream limit;
    if (::unshare(CLONE_NEWUSER) == 0) limit.open(path);
    limit << "3\n" << std::flush;
    ::_exit(limit.good() ? then() : kNoNamespace);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("where the kernel gives no more watches, the others are looked at", "[log-watcher]") {
  const std::string limit = "/proc/sys/user/max_inotify_watches";
  Watched w(true);
  for (int i = 0; i != 5; ++i) w.partition("t", i).append(0, some_batch(0, 1));
  const int result = with_few_watches(limit, [&] {
    w.watcher.emplace(w.path(), true);
    w.note();
    if (!w.watcher->any_unwatched() || w.known.size() != 5) return 1;
    const auto append = [&](int from) {
      for (int i = 0; i != 5; ++i) w.partition("t", i).append(0, some_batch(from, 1));
    };
    append(1);
    w.watcher->take_events();
    w.note();
    if (w.changes.size() != 2) return 2;  // one watch is the log directory's
    w.update();
    if (w.changes.size() != 3) return 3;
    std::ofstream(limit) << "100\n";
    w.update();
    append(2);
    w.watcher->take_events();
    w.note();
    return w.watcher->any_unwatched() || w.changes.size() != 5 ? 4 : 0;
  });
  if (result == kNoNamespace) {
    WARN("not tried: no user namespace to be had");
    return;
  }
  CHECK(result == 0);
}

TEST_CASE("events that were lost are made up for", "[log-watcher]") {
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most == 0 || most > 100'000) {
    WARN("not tried: fs.inotify.max_queued_events is " << most);
    return;
  }
  Watched w(true);
  const PartitionFiles a = w.partition("a"), b = w.partition("b"), gone = w.partition("gone");
  for (const PartitionFiles* each : {&a, &b, &gone}) each->append(0, some_batch(0, 1));
  w.start();
  const os::UniqueFd to_a(::open(a.file(0).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const os::UniqueFd to_b(::open(b.file(0).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const std::string batch = some_batch(1, 1);
  for (std::size_t i = 0; i < most + 10; ++i) {  // by turns, or the kernel makes one event of them
    REQUIRE(::write((i % 2 == 0 ? to_a : to_b).get(), batch.data() + i % batch.size(), 1) == 1);
  }
  w.partition("new").append(0, some_batch(0, 3));
  std::filesystem::remove_all(gone.path());
  b.append(1, some_batch(1, 1));
  for (int reads = 0; reads != 30; ++reads) w.watcher->take_events();
  w.note();
  CHECK(w.end("new-0") == 3);
  CHECK(w.view("gone-0") == nullptr);
  CHECK(w.end("b-0") == 2);
  w.partition("new").append(0, some_batch(3, 3));
  w.update();
  CHECK(w.end("new-0") == 6);
}
