#include "observe/access_log.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "catch.h"
#include "os/unique_fd.h"

using namespace sluice;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using observe::AccessBatch;
using observe::AccessLog;
using observe::AccessRecord;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "sluice-log-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  [[nodiscard]] std::string file(const char* name) const { return (path / name).string(); }
  fs::path path;
};

std::string read(const std::string& file) {
  std::ifstream in(file);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

bool eventually(const std::function<bool()>& what) {
  for (int i = 0; i < 1000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

TEST_CASE("a line holds what is known of an exchange, and leaves out the rest", "[access-log]") {
  const Folder folder;
  observe::Counters counters;
  {
    AccessBatch batch(std::make_shared<AccessLog>(folder.file("a"), 100), counters);
    AccessRecord full;
    full.time = os::WallTime(1795222862s + 456ms);
    full.client = *os::Address::parse("127.0.0.1:5555");
    full.method = "GET";
    full.host = "a.example";
    full.target = "/x?\"q\"";
    full.protocol = "HTTP/1.1";
    full.route = "files";
    full.upstream = "127.0.0.1:9001";
    full.upstream_protocol = "HTTP/2";
    full.status = 200;
    full.bytes_in = 7;
    full.bytes_out = 18446744073709551615u;
    full.zero_copy = 1;
    full.path = "splice";
    full.why = "large";
    full.end = observe::Ending::kClientGone;
    full.total = 1234us;
    full.connect = 100us;
    full.first_byte = 12005us;
    full.user_agent = "curl\n";
    full.referer = "http://a.example/";
    batch.add(full);
    AccessRecord bare;
    bare.time = os::WallTime(1795222863s + 7ms);
    bare.client = *os::Address::parse("[::1]:80");
    batch.add(bare);
  }
  const std::string text = read(folder.file("a"));
  const auto first = text.substr(0, text.find('\n'));
  CHECK(first ==
        R"({"time":"2026-11-21T01:01:02.456Z","client":"127.0.0.1:5555","method":"GET","host":"a.example",)"
        R"("target":"/x?\"q\"","protocol":"HTTP/1.1","route":"files","upstream":"127.0.0.1:9001",)"
        R"("upstream_protocol":"HTTP/2","status":200,)"
        R"("bytes_in":7,"bytes_out":18446744073709551615,"zero_copy":1,"path":"splice","why":"large",)"
        R"("end":"client-gone","ms":1.234,"connect_ms":0.100,"first_byte_ms":12.005,)"
        R"("user_agent":"curl\u000a","referer":"http://a.example/"})");
  CHECK(text.substr(first.size() + 1) ==
        R"({"time":"2026-11-21T01:01:03.007Z","client":"[::1]:80","status":0,"bytes_in":0,"bytes_out":0,)"
        R"("zero_copy":0,"end":"completed","ms":0.000})"
        "\n");
}

TEST_CASE("what a client sent is cut at 2 KiB with an ellipsis", "[access-log]") {
  const Folder folder;
  observe::Counters counters;
  const std::string longest(2048, 'a'), longer(2049, 'a');
  {
    AccessBatch batch(std::make_shared<AccessLog>(folder.file("a"), 100), counters);
    AccessRecord record;
    record.target = longest;
    record.user_agent = longer;
    batch.add(record);
  }
  const auto line = lines_of(read(folder.file("a"))).at(0);
  CHECK(line["target"] == longest);
  CHECK(line["user_agent"] == longest + "\xe2\x80\xa6");
}

TEST_CASE("a batch hands itself over when it is large, otherwise when told", "[access-log]") {
  const Folder folder;
  observe::Counters counters;
  AccessBatch batch(std::make_shared<AccessLog>(folder.file("a"), 1000), counters);
  AccessRecord record;
  const std::string target(2000, 't');
  record.target = target;
  batch.add(record);
  CHECK_FALSE(batch.empty());
  int added = 1;
  for (; !batch.empty() && added < 100; ++added) batch.add(record);
  CHECK(added == 16);  // 16 lines of a little over 2 KB pass 32 KiB
  batch.add(record);
  batch.flush();
  CHECK(batch.empty());
  CHECK(eventually([&] { return lines_of(read(folder.file("a"))).size() == 17; }));
}

TEST_CASE("a disk that hangs costs lines, counted exactly, and no waiting", "[access-log]") {
  const Folder folder;
  const std::string fifo = folder.file("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const os::UniqueFd reader(::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  constexpr std::size_t kLines = 50, kBatch = 10;
  std::size_t accepted = 0, dropped = 0, received = 0;
  const auto drain = [&] {
    std::array<char, 65536> bytes;
    for (ssize_t n; (n = ::read(reader.get(), bytes.data(), bytes.size())) > 0;)
      received += static_cast<std::size_t>(std::count(bytes.data(), bytes.data() + n, '\n'));
  };
  {
    AccessLog log(fifo, kLines);
    std::string ten;
    for (std::size_t i = 0; i < kBatch; ++i) ten += std::string(2000, 'x') + "\n";
    // The pipe takes a few batches; then the writer hangs and the queue fills.
    for (int i = 0; i < 200 && dropped < 100; ++i) {
      if (log.submit(std::string(ten), kBatch))
        accepted += kBatch;
      else
        dropped += kBatch;
      if (dropped == 0) std::this_thread::sleep_for(1ms);
    }
    CHECK(dropped == 100);
    CHECK(accepted >= kLines);
    std::thread last([&] { CHECK(eventually([&] { return drain(), received == accepted; })); });
    last.join();
    // What was written makes room again.
    CHECK(eventually([&] { return log.submit(std::string(ten), kBatch); }));
    accepted += kBatch;
    CHECK(log.take_lost() == 0);
  }
  drain();
  CHECK(received == accepted);
}

TEST_CASE("dropped lines are counted by their worker", "[access-log]") {
  const Folder folder;
  observe::Counters counters;
  AccessBatch batch(std::make_shared<AccessLog>(folder.file("a"), 1), counters);
  batch.add(AccessRecord{});
  batch.add(AccessRecord{});  // two lines can't fit a queue of one
  batch.flush();
  CHECK(counters.log_lines_dropped.read() == 2);
  CHECK(batch.empty());
}

TEST_CASE("lines that a full disk can't take are counted by a worker, and the log goes on", "[access-log]") {
  observe::Counters counters;
  AccessBatch batch(std::make_shared<AccessLog>("/dev/full", 10), counters);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    batch.add(AccessRecord{});
    CHECK(eventually([&] {
      batch.flush();
      return counters.log_lines_dropped.read() == i;
    }));
  }
}

TEST_CASE("of a batch that was cut, the lines that got out are not lost", "[access-log]") {
  const Folder folder;
  const std::string full = folder.file("a");
  // A file may grow to 25 bytes here, whatever the disk would hold.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 25;
  ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  AccessLog log(full, 10);
  std::uint64_t lost = 0;
  CHECK(log.submit("123456789\n123456789\n123456789\n123456789\n", 4));
  CHECK(eventually([&] { return (lost += log.take_lost()) == 2; }));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(log.submit("whole\n", 1));
  CHECK(eventually([&] { return read(full) == "123456789\n123456789\n12345\nwhole\n"; }));
  CHECK(log.take_lost() == 0);
}

TEST_CASE("after a rename and reopen() lines go to the new file, none is lost", "[access-log]") {
  const Folder folder;
  const std::string now = folder.file("a"), old = folder.file("a.1");
  {
    AccessLog log(now, 100);
    REQUIRE(log.submit("one\n", 1));
    REQUIRE(eventually([&] { return read(now) == "one\n"; }));
    fs::rename(now, old);
    log.reopen();
    CHECK(eventually([&] { return fs::exists(now); }));  // without waiting for the next line
    REQUIRE(log.submit("two\n", 1));
  }
  CHECK(read(old) == "one\n");
  CHECK(read(now) == "two\n");
}

TEST_CASE("a file that can't be opened is reported with its name and the reason", "[access-log]") {
  try {
    AccessLog log("/nonexistent/access.log", 1);
    FAIL("opened");
  } catch (const std::runtime_error& e) {
    CHECK(std::string(e.what()) == "access log /nonexistent/access.log: No such file or directory");
  }
}

TEST_CASE("a batch without a log does nothing", "[access-log]") {
  observe::Counters counters;
  AccessBatch batch(nullptr, counters);
  batch.add(AccessRecord{});
  CHECK(batch.empty());
}
