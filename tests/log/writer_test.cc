#include "log/writer.h"

#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "catch.h"
#include "log/batch_reader.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "log/record.h"
#include "os/file.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::log;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put_content(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

std::int64_t number_at(const std::string& bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(value);
}

// A batch of `count` records "<offset>:xxx" of some length.
void append(Writer& writer, int count = 1, std::size_t length = 100, std::int64_t timestamp = 1000) {
  BatchBuilder builder;
  for (int i = 0; i < count; ++i) {
    std::string value = std::to_string(writer.next_offset() + i) + ':';
    value.resize(std::max(value.size(), length), 'x');
    builder.add(timestamp + i, std::nullopt, value);
  }
  writer.append(builder.finish(writer.next_offset(), writer.leader_epoch()));
}

struct Found {
  std::vector<BatchHead> batches;
  std::vector<std::string> values;
  std::int64_t next = 0;
};

// All that stands in a partition, checked on the way.
Found read_all(const fs::path& directory) {
  std::vector<fs::path> logs;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == ".log") logs.push_back(entry.path());
  std::sort(logs.begin(), logs.end());
  Found found;
  if (!logs.empty()) found.next = std::stoll(logs.front().stem().string());
  for (const fs::path& file : logs) {
    CHECK(std::stoll(file.stem().string()) == found.next);
    const os::FileOr opened = os::open_file(file.string());
    BatchReader walk(opened.fd.get(), file.string(), 0, fs::file_size(file));
    Scan scan = Scan::kBatch;
    while ((scan = walk.next()) == Scan::kBatch) {
      CHECK(crc_is_right(walk.head(), walk.bytes()));
      CHECK(walk.head().base_offset == found.next);
      found.batches.push_back(walk.head());
      RecordReader records;
      records.begin(walk.head(), walk.bytes());
      for (Record record; records.next(record);) {
        CHECK(record.offset == found.next++);
        found.values.emplace_back(record.value.value_or("null"));
      }
      CHECK_FALSE(records.failed());
    }
    CHECK(scan == Scan::kEnd);
    CHECK(walk.position() == fs::file_size(file));
  }
  return found;
}

const std::string kFirst = "00000000000000000000";

}  // namespace

TEST_CASE("a new partition has what a broker's has", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path root = logs / "new", partition = root / "access-0";
  {
    Writer writer(root.string(), "access", 0);
    CHECK(writer.next_offset() == 0);
    append(writer, 3);
    CHECK(writer.next_offset() == 3);
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(partition))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{".lock", kFirst + ".index", kFirst + ".log", kFirst + ".timeindex",
                                          "leader-epoch-checkpoint", "partition.metadata"});
  CHECK(fs::file_size(partition / (kFirst + ".index")) == 0);
  const std::string times = content(partition / (kFirst + ".timeindex"));
  REQUIRE(times.size() == 12);  // of the end
  CHECK(number_at(times, 0, 8) == 1002);
  CHECK(number_at(times, 8, 4) == 2);
  const Found found = read_all(partition);
  REQUIRE(found.batches.size() == 1);
  CHECK(found.batches[0].producer_id == -1);
  CHECK(found.batches[0].base_sequence == -1);
  CHECK(found.batches[0].leader_epoch == 0);
  CHECK(content(partition / "leader-epoch-checkpoint") == "0\n1\n0 0\n");
}

TEST_CASE("a topic has one id in all its partitions, and another topic another", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path root = logs.make_directory("");
  for (const char* topic : {"a", "b"})
    for (int i = 0; i < 3; ++i) Writer(root.string(), topic, i);
  const std::string id = content(root / "a-0/partition.metadata");
  CHECK(id.starts_with("version: 0\ntopic_id: "));
  CHECK(id.size() == 21 + 22);
  CHECK(content(root / "a-1/partition.metadata") == id);
  CHECK(content(root / "a-2/partition.metadata") == id);
  CHECK(content(root / "b-0/partition.metadata") != id);
  CHECK(content(root / "b-2/partition.metadata") == content(root / "b-0/partition.metadata"));
  for (const auto& entry : fs::directory_iterator(root))
    CHECK(partition_named(entry.path().filename().string()).has_value());  // no draft is left
}

TEST_CASE("an index entry each 4 KiB, and the largest timestamp so far beside it", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0";
  {
    Writer writer(logs / "", "t", 0);
    // Time goes back at the seventh batch, and on later.
    for (int i = 0; i < 20; ++i) append(writer, 2, 1000, i < 7 ? 1000 + 10 * i : 900 + 10 * i);
  }
  const Found found = read_all(partition);
  std::vector<std::pair<std::int64_t, std::uint64_t>> entries;
  std::vector<std::pair<std::int64_t, std::int64_t>> times;
  std::uint64_t position = 0, since = 0;
  std::pair<std::int64_t, std::int64_t> youngest{-1, 0};
  const auto time = [&] {
    if (times.empty() || youngest.first > times.back().first) times.push_back(youngest);
  };
  for (const BatchHead& head : found.batches) {
    if (head.max_timestamp > youngest.first) youngest = {head.max_timestamp, head.last_offset()};
    if (since > 4096) {
      entries.emplace_back(head.last_offset(), position);
      time();
      since = 0;
    }
    since += head.size();
    position += head.size();
  }
  time();
  const std::string index = content(partition / (kFirst + ".index"));
  REQUIRE(index.size() == 8 * entries.size());
  REQUIRE(entries.size() > 4);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK(number_at(index, 8 * i, 4) == entries[i].first);
    CHECK(number_at(index, 8 * i + 4, 4) == static_cast<std::int64_t>(entries[i].second));
  }
  const std::string timeindex = content(partition / (kFirst + ".timeindex"));
  REQUIRE(timeindex.size() == 12 * times.size());
  CHECK(times.size() < entries.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    CHECK(number_at(timeindex, 12 * i, 8) == times[i].first);
    CHECK(number_at(timeindex, 12 * i + 8, 4) == times[i].second);
  }
}

TEST_CASE("a segment is left before it grows too large or too old; the oldest ones go", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0";
  SECTION("by size") {
    {
      Writer writer(logs / "", "t", 0, {.segment_bytes = 5000});
      for (int i = 0; i < 18; ++i) append(writer, 1, 1000);
    }
    for (const auto& entry : fs::directory_iterator(partition))
      if (entry.path().extension() == ".log") CHECK(fs::file_size(entry.path()) <= 5000);
    CHECK(read_all(partition).values.size() == 18);
    CHECK(fs::exists(partition / "00000000000000000016.timeindex"));
    CHECK(fs::file_size(partition / (kFirst + ".timeindex")) == 12);
  }
  SECTION("by age") {
    {
      Writer writer(logs / "", "t", 0, {.segment_age = std::chrono::milliseconds(100)});
      for (const int at : {1000, 1050, 1100, 1101, 1150, 1300}) append(writer, 1, 10, at);
    }
    CHECK(fs::exists(partition / "00000000000000000003.log"));
    CHECK(fs::exists(partition / "00000000000000000005.log"));
    CHECK(read_all(partition).values.size() == 6);
    // The age counts from the first record, also when another writer goes on.
    {
      Writer writer(logs / "", "t", 0, {.segment_age = std::chrono::milliseconds(100)});
      append(writer, 1, 10, 1401);
    }
    CHECK(fs::exists(partition / "00000000000000000006.log"));
  }
  SECTION("retention") {
    {
      Writer writer(logs / "", "t", 0, {.segment_bytes = 5000, .retain_bytes = 10000});
      for (int i = 0; i < 22; ++i) append(writer, 1, 1000);
    }
    std::uintmax_t size = 0;
    for (const auto& entry : fs::directory_iterator(partition))
      if (entry.path().extension() == ".log") size += fs::file_size(entry.path());
    CHECK(size >= 10000);
    CHECK(size <= 15000);
    const Found found = read_all(partition);
    CHECK(found.next == 22);
    CHECK(found.values.back().starts_with("21:"));
    CHECK_FALSE(fs::exists(partition / (kFirst + ".index")));
  }
  SECTION("a batch that fits into no segment is refused, and the next one is not") {
    Writer writer(logs / "", "t", 0, {.segment_bytes = 5000});
    CHECK_THROWS_WITH(append(writer, 1, 6000), ContainsSubstring("larger than a segment"));
    append(writer);
    CHECK(writer.next_offset() == 1);
  }
}

TEST_CASE("a torn end of any length is cut off, and nothing before it", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0", file = partition / (kFirst + ".log");
  {
    Writer writer(logs / "", "t", 0);
    for (int i = 0; i < 12; ++i) append(writer, 2, 400);
  }
  const std::string whole = content(file);
  const std::string index = content(partition / (kFirst + ".index"));
  const std::size_t last = read_all(partition).batches.back().size();
  const std::string times = content(partition / (kFirst + ".timeindex"));
  for (std::size_t torn = 1; torn < last; ++torn) {
    put_content(file, whole.substr(0, whole.size() - torn));
    put_content(partition / (kFirst + ".index"), index);
    put_content(partition / (kFirst + ".timeindex"), times);
    {
      Writer writer(logs / "", "t", 0);
      REQUIRE(writer.recovered().cut == last - torn);
      REQUIRE(writer.next_offset() == 22);
      append(writer, 2, 400, 1000);
    }
    REQUIRE(content(file) == whole);
    REQUIRE(content(partition / (kFirst + ".index")) == index);
    REQUIRE(content(partition / (kFirst + ".timeindex")) == times);
  }
}

TEST_CASE("any wrong byte behind the last index entry ends the log there", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0", file = partition / (kFirst + ".log");
  {
    Writer writer(logs / "", "t", 0);
    append(writer, 2, 40);
    append(writer, 2, 40);
  }
  const std::string whole = content(file);
  const std::size_t first = read_all(partition).batches.front().size();
  // Leader epoch and what follows: changed offsets and lengths are another matter, see below.
  for (std::size_t at = first + 16; at < whole.size(); ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    put_content(file, wrong);
    Writer writer(logs / "", "t", 0);
    REQUIRE(writer.next_offset() == 2);
    REQUIRE(writer.recovered().cut == whole.size() - first);
  }
  SECTION("an offset that goes back") {
    std::string wrong = whole;
    wrong[first + 7] = 1;
    put_content(file, wrong);
    CHECK(Writer(logs / "", "t", 0).next_offset() == 2);
  }
  SECTION("room that a broker has reserved") {
    put_content(file, whole + std::string(5000, '\0'));
    const Writer writer(logs / "", "t", 0);
    CHECK(writer.next_offset() == 4);
    CHECK(writer.recovered().cut == 5000);
    CHECK(content(file) == whole);
  }
}

TEST_CASE("an index entry that stands for more than is left goes with it", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0", file = partition / (kFirst + ".log");
  {
    Writer writer(logs / "", "t", 0);
    for (const int at : {3000, 2000, 1000}) append(writer, 1, 40, at);
  }
  const std::vector<BatchHead> batches = read_all(partition).batches;
  // Two batches that a broker wrote at once: one entry, with the position of the first and the offset of the last.
  std::string entry(8, '\0');
  entry[3] = 2;
  entry[7] = static_cast<char>(batches[0].size());
  put_content(partition / (kFirst + ".index"), entry);
  SECTION("it is right while both are there") {
    CHECK(Writer(logs / "", "t", 0).next_offset() == 3);
    CHECK(content(partition / (kFirst + ".index")) == entry);
  }
  SECTION("and wrong when the second is torn") {
    fs::resize_file(file, fs::file_size(file) - 1);
    const Writer writer(logs / "", "t", 0);
    CHECK(writer.next_offset() == 2);
    CHECK(content(partition / (kFirst + ".index")).empty());
  }
}

TEST_CASE("indexes that are missing or can't be right are made anew", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0";
  constexpr WriterOptions kOptions{.segment_bytes = 30000};
  {
    Writer writer(logs / "", "t", 0, kOptions);
    for (int i = 0; i < 40; ++i) append(writer, 1, 1000, 1000 + i);
  }
  const std::string second = "00000000000000000028";
  REQUIRE(fs::exists(partition / (second + ".log")));
  std::vector<std::pair<fs::path, std::string>> before;
  for (const std::string& base : {kFirst, second})
    for (const char* suffix : {".index", ".timeindex"})
      before.emplace_back(partition / (base + suffix), content(partition / (base + suffix)));

  const auto& [file, right] = before[GENERATE(range(std::size_t{0}, std::size_t{4}))];
  const bool active = file.filename().string().starts_with(second);
  INFO(file);
  bool rebuilt = true;
  SECTION("missing") { fs::remove(file); }
  SECTION("half an entry") { put_content(file, right + "abc"); }
  if (active || file.extension() == ".timeindex") {
    SECTION("empty") { put_content(file, ""); }
  }
  if (active) {
    SECTION("rubbish") { put_content(file, std::string(right.size(), '\x7f')); }
    SECTION("not ascending") { put_content(file, right + right); }
    SECTION("zeros inside") { put_content(file, std::string(24, '\0') + right); }
    SECTION("of a log that was longer") {
      std::string beyond = right;
      beyond.append(file.extension() == ".index" ? std::string("\0\0\0\x7f\0\0\x7f\0", 8)
                                                 : std::string("\0\0\0\0\0\0\x7f\0\0\0\0\x7f", 12));
      put_content(file, beyond);
    }
    SECTION("reserved room behind the entries is no fault") {
      put_content(file, right + std::string(2400, '\0'));
      rebuilt = false;
    }
  }
  if (content(file) != right || !fs::exists(file)) {
    const Writer writer(logs / "", "t", 0, kOptions);
    CHECK(writer.next_offset() == 40);
    CHECK(writer.recovered().cut == 0);
    CHECK(writer.recovered().indexes_rebuilt == rebuilt);
  }
  for (const auto& [path, bytes] : before) CHECK(content(path) == bytes);
}

TEST_CASE("one writer at a time", "[log-writer]") {
  const testing::ScratchDirectory logs;
  {
    const Writer one(logs / "", "t", 0);
    CHECK_THROWS_WITH(Writer(logs / "", "t", 0), ContainsSubstring("another process writes"));
    const Writer other_partition(logs / "", "t", 1);
  }
  const Writer next(logs / "", "t", 0);
}

TEST_CASE("a partition is given to the user that is going to write to it", "[log-writer]") {
  const testing::ScratchDirectory logs;
  const Writer writer(logs / "", "t", 0);
  CHECK_THROWS_WITH(give_partition(logs / "t-0", "no such user"), ContainsSubstring("No such file"));
  if (::geteuid() != 0) {
    WARN("not root: giving to another user is not tested");
    return;
  }
  give_partition(logs / "t-0", "nobody");
  const passwd* const nobody = ::getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  for (const fs::path& path : {fs::path(logs / "t-0"), fs::path(logs / "t-0") / (kFirst + ".log")}) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == nobody->pw_uid);
    CHECK(status.st_gid == nobody->pw_gid);
  }
}

TEST_CASE("what can't be a topic or a place for it is refused with a reason", "[log-writer]") {
  const testing::ScratchDirectory logs;
  CHECK_THROWS_WITH(Writer(logs / "", "a/b", 0), ContainsSubstring("topic"));
  CHECK_THROWS_WITH(Writer(logs / "", "", 0), ContainsSubstring("topic"));
  CHECK_THROWS_WITH(Writer(logs / "", "t", -1), ContainsSubstring("partition"));
  CHECK_THROWS_WITH(Writer(logs / "", "t", 0, {.segment_bytes = 3_GiB}), ContainsSubstring("2 GiB"));
  CHECK_THROWS_WITH(Writer(logs / "missing/deeper", "t", 0), ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(Writer(logs.write("file", ""), "t", 0), ContainsSubstring("file"));
}

TEST_CASE("a full disk: the batch is not in the log, and the next one is when there is room",
          "[log-writer]") {
  const testing::ScratchDirectory logs;
  const fs::path partition = logs / "t-0";
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  {
    Writer writer(logs / "", "t", 0);
    for (int i = 0; i < 10; ++i) append(writer, 1, 1000);
    const auto size = fs::file_size(partition / (kFirst + ".log"));
    for (rlim_t more = 0; more < 1000; more += 90) {
      const rlimit limit{.rlim_cur = size + more, .rlim_max = before.rlim_max};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      CHECK_THROWS_WITH(append(writer, 1, 1000), ContainsSubstring("File too large"));
      ::setrlimit(RLIMIT_FSIZE, &before);
      CHECK(fs::file_size(partition / (kFirst + ".log")) == size);
      CHECK(writer.next_offset() == 10);
    }
    append(writer, 1, 1000);
    append(writer, 1, 1000);
  }
  CHECK(read_all(partition).values.size() == 12);
  CHECK(Writer(logs / "", "t", 0).recovered().cut == 0);
  std::signal(SIGXFSZ, SIG_DFL);
}

TEST_CASE("a writer goes on where another one ended, with its leader's epoch", "[log-writer]") {
  const testing::ScratchDirectory logs;
  for (int i = 0; i < 5; ++i) {
    Writer writer(logs / "", "t", 0, {.fsync_every = 2});
    CHECK(writer.next_offset() == 3 * i);
    append(writer, 1), append(writer, 2);
  }
  CHECK(read_all(logs / "t-0").values.size() == 15);
  put_content(logs / "t-0/leader-epoch-checkpoint", "0\n2\n3 0\n7 12\n");
  CHECK(Writer(logs / "", "t", 0).leader_epoch() == 7);
}
