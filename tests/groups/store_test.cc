#include "groups/store.h"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catch.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::groups;
using sluice::testing::ScratchDirectory;
using namespace std::chrono_literals;

namespace {

const os::WallTime kNow(std::chrono::hours(500'000));

GroupRecord a_group(const std::string& id = "readers") {
  return {.group_id = id,
          .generation = 7,
          .protocol_type = "consumer",
          .protocol = "range",
          .leader = "a",
          .written = kNow,
          .members = {{.member_id = "a",
                       .instance_id = "mill",
                       .client_id = "one",
                       .client_host = "/127.0.0.1",
                       .session_timeout = 10s,
                       .rebalance_timeout = 60s,
                       .subscription = std::string("\0\1\xff", 3),
                       .assignment = std::string("\0\0", 2)},
                      {.member_id = "b", .session_timeout = 6s, .rebalance_timeout = 6s}}};
}

bool put(Store& store, const std::string& topic, std::int32_t partition, std::int64_t offset,
         const std::string& group = "readers", os::WallTime now = kNow) {
  bool added = false;
  return store.put_offset(group, topic, partition, {offset, 3, "note"}, now, added);
}

std::int64_t committed(Store& store, const std::string& topic, std::int32_t partition) {
  std::optional<CommittedOffset> found;
  REQUIRE(store.find_offset("readers", topic, partition, found));
  return found.value_or(CommittedOffset{}).offset;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

std::string failure(const std::string& file) {
  try {
    const Store store(file);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

bool says(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

// No file of this process grows beyond `bytes`: what a full disk is to those who write. EFBIG instead of a signal.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("groups and offsets are there again after a restart", "[groups-store]") {
  const ScratchDirectory scratch;
  const std::string file = scratch / "groups.db";
  {
    Store store(file);
    CHECK(store.groups().empty());
    CHECK(store.put(a_group()));
    CHECK(store.put({.group_id = "nobody's", .generation = 2, .written = kNow}));
    CHECK(put(store, "lines", 0, 41));
    CHECK(put(store, "lines", 10, 5));
    CHECK(put(store, "lines", 0, 42));
    CHECK(store.commit());
  }
  Store store(file);
  const auto groups = store.groups();
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].members.empty());
  CHECK(groups[1] == a_group());
  std::optional<CommittedOffset> found;
  REQUIRE(store.find_offset("readers", "lines", 0, found));
  CHECK(found == CommittedOffset{42, 3, "note"});
  CHECK(store.offset_counts() == std::map<std::string, std::size_t>{{"readers", 2}});
  std::vector<std::int32_t> partitions;
  CHECK(store.each_offset("readers", [&](const std::string&, std::int32_t partition, const CommittedOffset&) {
    partitions.push_back(partition);
  }));
  CHECK(partitions == std::vector<std::int32_t>{0, 10});
  // Members that are gone don't stay in the file.
  auto smaller = a_group();
  smaller.members.pop_back();
  CHECK(store.put(smaller));
  CHECK(store.commit());
  CHECK(store.groups()[1] == smaller);
}

TEST_CASE("any bytes are names, and empty metadata is not none", "[groups-store]") {
  Store store("");
  const std::string odd("a\0b'\xff", 5);
  bool added = false;
  CHECK(store.put_offset(odd, "t", 0, {1, -1, ""}, kNow, added));
  CHECK(added);
  CHECK(store.put_offset(odd, "t", 0, {2, -1, ""}, kNow, added));
  CHECK_FALSE(added);
  auto group = a_group(odd);
  group.members[1].instance_id = "";
  CHECK(store.put(group));
  CHECK(store.commit());
  CHECK(store.groups().at(0) == group);
  CHECK(store.offset_counts().at(odd) == 1);
  CHECK(store.offset_counts().size() == 1);
}

TEST_CASE("what was not committed is not there", "[groups-store]") {
  const ScratchDirectory scratch;
  const std::string file = scratch / "groups.db";
  {
    Store store(file);
    CHECK(put(store, "lines", 0, 1));
    CHECK(store.commit());
    CHECK(put(store, "lines", 0, 2));
    CHECK(committed(store, "lines", 0) == 2);  // in this turn
  }
  Store store(file);
  CHECK(committed(store, "lines", 0) == 1);
}

TEST_CASE("offsets expire by when they were committed, and go with their group", "[groups-store]") {
  Store store("");
  CHECK(put(store, "old", 0, 1, "readers", kNow - 1h));
  CHECK(put(store, "new", 0, 1));
  CHECK(put(store, "other", 0, 1, "others", kNow - 1h));
  CHECK(store.expire("readers", kNow) == 1U);
  CHECK(committed(store, "old", 0) == -1);
  CHECK(committed(store, "new", 0) == 1);
  CHECK(store.put(a_group()));
  CHECK(store.remove("readers"));
  CHECK(store.groups().empty());
  CHECK(committed(store, "new", 0) == 1);
  CHECK(store.remove_offsets("readers"));
  CHECK(store.offset_counts() == std::map<std::string, std::size_t>{{"others", 1}});
  CHECK(store.commit());
}

TEST_CASE("a file of somebody else is refused and left as it is", "[groups-store]") {
  const ScratchDirectory scratch;
  SECTION("no database at all") {
    const std::string file = scratch.write("groups.db", std::string(5000, 'x'));
    const std::string before = read(file);
    CHECK(failure(file) == "groups file " + file + ": it is no SQLite file; it was left as it is");
    CHECK(read(file) == before);
  }
  SECTION("another program's database") {
    const std::string file = scratch / "groups.db";
    Database(file).execute("CREATE TABLE cats (name TEXT)");
    const std::string before = read(file);
    CHECK(says(failure(file), "another program's"));
    CHECK(read(file) == before);
  }
  SECTION("another program's database without tables") {
    const std::string file = scratch / "groups.db";
    Database(file).execute("PRAGMA application_id = 5; PRAGMA user_version = 5");
    CHECK(says(failure(file), "another program's"));
  }
  SECTION("one from the future") {
    const std::string file = scratch / "groups.db";
    { const Store store(file); }
    Database(file).execute("PRAGMA user_version = 2");
    CHECK(says(failure(file), "version 2"));
  }
  SECTION("an empty file is a new one") {
    const std::string file = scratch.write("groups.db", "");
    CHECK(failure(file).empty());
  }
}

TEST_CASE("a damaged file is refused, a torn tail of the log is not", "[groups-store]") {
  const ScratchDirectory scratch;
  const std::string file = scratch / "groups.db";
  {
    Store store(file);
    for (int i = 0; i < 2000; ++i) CHECK(put(store, "lines", i, i));
    CHECK(store.commit());
  }
  SECTION("pages overwritten") {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(3 * 4096 + 20);
    stream << std::string(8192, 'x');
    stream.close();
    CHECK(says(failure(file), "damaged"));
  }
  SECTION("cut short") {
    std::filesystem::resize_file(file, 5 * 4096);
    CHECK(says(failure(file), "damaged"));
  }
  SECTION("a crash in the middle of a write") {
    {
      Store store(file);
      CHECK(put(store, "lines", 0, 1'000'000));
      CHECK(store.commit());
      CHECK(put(store, "lines", 0, 2'000'000));
      CHECK(store.commit());
      // As the disk looked before the last one was whole.
      std::filesystem::copy_file(file, scratch / "copy.db");
      std::filesystem::copy_file(file + "-wal", scratch / "copy.db-wal");
      std::filesystem::resize_file(scratch / "copy.db-wal",
                                   std::filesystem::file_size(scratch / "copy.db-wal") - 100);
    }
    Store store(scratch / "copy.db");
    CHECK(committed(store, "lines", 0) == 1'000'000);
    CHECK(committed(store, "lines", 1999) == 1999);
  }
}

TEST_CASE("a file that can't be made or is in use is told of", "[groups-store]") {
  const ScratchDirectory scratch;
  CHECK(says(failure(scratch / "missing/groups.db"), "its directory must exist"));
  CHECK(says(failure(scratch.make_directory("directory")), "directory"));
  CHECK(says(failure("/proc/groups.db"), "/proc/groups.db"));  // where root may not write either
  const std::string file = scratch / "groups.db";
  {
    const Store store(file);
    CHECK(says(failure(file), "it is in use"));
  }
  CHECK(failure(file).empty());
  // Root writes to what it may not write to; so this shows nothing there.
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  if (!std::ofstream(file, std::ios::app))
    CHECK_FALSE(failure(file).empty());
  else
    WARN("run as root: a file without permissions can be written");
}

TEST_CASE("a full disk refuses what is new and keeps what was committed", "[groups-store]") {
  const ScratchDirectory scratch;
  const std::string file = scratch / "groups.db";
  {
    Store store(file);
    CHECK(put(store, "lines", 0, 1));
    CHECK(store.commit());
    {
      const SmallDisk full(std::filesystem::file_size(file + "-wal") + 1000);
      CHECK(put(store, "lines", 0, 2));  // still in memory
      CHECK_FALSE(store.commit());
      CHECK_FALSE(store.error().empty());
      CHECK(committed(store, "lines", 0) == 1);
      // The next turn is another try.
      (void)put(store, "lines", 0, 3);
      CHECK_FALSE(store.commit());
      CHECK(store.commit());  // nothing to write
    }
    CHECK(put(store, "lines", 0, 4));
    CHECK(store.commit());
    CHECK(committed(store, "lines", 0) == 4);
  }
  Store store(file);
  CHECK(committed(store, "lines", 0) == 4);
}

TEST_CASE("of a turn that fails in its middle nothing is written", "[groups-store]") {
  const ScratchDirectory scratch;
  Store store(scratch / "groups.db");
  CHECK(put(store, "lines", 0, 1));
  CHECK(store.commit());
  {
    const SmallDisk full(std::filesystem::file_size(scratch / "groups.db-wal") + 1000);
    CHECK(put(store, "lines", 0, 2));
    // More than the cache holds: it spills into the file, which fails.
    bool all = true;
    for (int i = 1; i < 50'000 && all; ++i) all = put(store, "lines", i, i);
    CHECK_FALSE(all);
    CHECK_FALSE(put(store, "lines", 0, 3));
    CHECK_FALSE(store.commit());
  }
  CHECK(committed(store, "lines", 0) == 1);
  CHECK(committed(store, "lines", 1) == -1);
  CHECK(put(store, "lines", 0, 5));
  CHECK(store.commit());
}
