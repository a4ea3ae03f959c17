#include "app/access_log.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/bytes.h"
#include "catch.h"
#include "log/batch_reader.h"
#include "log/record.h"
#include "os/file.h"
#include "scratch_directory.h"

using namespace sluice;

namespace {

config::Config to_topic(const std::string& directory) {
  config::Config config;
  config.access_log.topic = "access";
  config.access_log.directory = directory;
  return config;
}

struct Found {
  std::vector<std::string> values;
  std::size_t batches = 0;
};

Found in_topic(const std::string& directory) {
  const std::string path = directory + "/access-0/00000000000000000000.log";
  const os::FileOr file = os::open_file(path);
  log::BatchReader batches(file.fd.get(), path, 0, std::filesystem::file_size(path));
  Found found;
  while (batches.next() == log::Scan::kBatch) {
    ++found.batches;
    log::RecordReader records;
    records.begin(batches.head(), batches.bytes());
    for (log::Record record; records.next(record);) found.values.emplace_back(*record.value);
  }
  return found;
}

}  // namespace

TEST_CASE("lines of the access log are records of a topic, a batch for each hand-over", "[access-topic]") {
  const testing::ScratchDirectory logs;
  {
    const auto log = app::open_access_log(to_topic(logs / ""));
    REQUIRE(log->submit("one\ntwo\n", 2));
    log->reopen();
    REQUIRE(log->submit("{\"three\": 3}\n", 1));
    CHECK_THROWS_WITH(app::open_access_log(to_topic(logs / "")), ContainsSubstring("another process writes"));
  }
  const Found found = in_topic(logs / "");
  CHECK(found.values == std::vector<std::string>{"one", "two", "{\"three\": 3}"});
  CHECK(found.batches == 2);
}

TEST_CASE("lines that the disk has no room for are counted, and the log goes on", "[access-topic]") {
  const testing::ScratchDirectory logs;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  {
    const auto log = app::open_access_log(to_topic(logs / ""));
    const rlimit limit{.rlim_cur = 200, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    REQUIRE(log->submit("fits\n", 1));
    REQUIRE(log->submit(std::string(300, 'x') + "\nand its neighbour\n", 2));
    std::uint64_t lost = 0;
    for (int i = 0; i < 5000 && lost == 0; ++i) {
      lost = log->take_lost();
      if (lost == 0) ::usleep(1000);
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    CHECK(lost == 2);
    REQUIRE(log->submit("room again\n", 1));
  }
  CHECK(in_topic(logs / "").values == std::vector<std::string>{"fits", "room again"});
  std::signal(SIGXFSZ, SIG_DFL);
}

TEST_CASE("of a topic that is bounded old segments go, and as much as was asked for stays",
          "[access-topic]") {
  const testing::ScratchDirectory logs;
  config::Config config = to_topic(logs / "");
  config.access_log.retain = 1_MiB;
  std::uint64_t written = 0;
  {
    const auto log = app::open_access_log(config);
    const std::string line = std::string(999, 'x') + '\n';
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += line;
    for (int i = 0; i < 100; ++i, written += lines.size()) REQUIRE(log->submit(std::string(lines), 30));
  }
  std::uintmax_t kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(logs / "access-0"))
    if (entry.path().extension() == ".log") kept += entry.file_size();
  CHECK(written > 2_MiB);
  CHECK(kept >= 1_MiB);
  CHECK(kept < 1_MiB + 256_KiB);
}

TEST_CASE("which log a configuration asks for, and whether it is the one that is open", "[access-topic]") {
  const testing::ScratchDirectory logs;
  config::Config config;
  CHECK(app::open_access_log(config) == nullptr);
  config.access_log.file = logs / "lines";
  REQUIRE(app::open_access_log(config) != nullptr);
  CHECK(std::filesystem::exists(logs / "lines"));
  const auto goes_on = [](const config::Config& open, const config::Config& wanted) {
    return app::goes_on(open.access_log, wanted.access_log);
  };
  CHECK(goes_on(config, config));
  CHECK_FALSE(goes_on(config, to_topic(logs / "")));
  CHECK_FALSE(goes_on(to_topic(logs / ""), config));
  CHECK_FALSE(goes_on(to_topic("/a"), to_topic("/b")));
  config::Config other = config;
  other.access_log.queue = 1;
  CHECK_FALSE(goes_on(config, other));
  config::Config topic = to_topic("/a");
  topic.access_log.queue = 1;
  CHECK(goes_on(topic, to_topic("/a")));
}
