#include "os/inotify.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "catch.h"
#include "scratch_directory.h"

using namespace sluice;

namespace {

struct Told {
  int watch;
  std::uint32_t mask;
  std::string name;
};

// What the queue holds now: an event is there when the call that caused it has returned.
std::vector<Told> all_of(os::Inotify& inotify, std::size_t buffer = 4096) {
  std::vector<Told> out;
  std::string bytes(buffer, '\0');
  for (;;) {
    const os::IoResult result = inotify.read(bytes);
    if (result.would_block()) return out;
    REQUIRE(result.ok());
    std::string_view events(bytes.data(), result.bytes);
    while (const auto event = os::next_event(events)) {
      out.push_back({event->watch, event->mask, std::string(event->name)});
    }
    CHECK(events.empty());
  }
}

os::Inotify opened() {
  int error = -1;
  os::Inotify inotify = os::Inotify::open(error);
  REQUIRE(inotify.valid());
  REQUIRE(error == 0);
  return inotify;
}

}  // namespace

TEST_CASE("an inotify descriptor never blocks, is not inherited, and is readable while there are events",
          "[inotify]") {
  os::Inotify inotify = opened();
  CHECK((::fcntl(inotify.fd(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(inotify.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  const testing::ScratchDirectory directory;
  int error = -1;
  REQUIRE(inotify.add(directory / "", IN_CREATE, error) != -1);
  CHECK(error == 0);
  pollfd ready{.fd = inotify.fd(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&ready, 1, 0) == 0);
  directory.write("x", "");
  CHECK(::poll(&ready, 1, 0) == 1);
  CHECK(all_of(inotify).size() == 1);
  CHECK(::poll(&ready, 1, 0) == 0);
}

TEST_CASE("events bear the watch, the reason and the name, in order", "[inotify]") {
  os::Inotify inotify = opened();
  const testing::ScratchDirectory directory;
  const std::string one = directory.make_directory("one"), two = directory.make_directory("two");
  const std::string file = directory.write("file", "a");
  int error = 0;
  const int first = inotify.add(one, IN_CREATE | IN_DELETE | IN_MOVE, error);
  const int second = inotify.add(two, IN_CREATE | IN_DELETE | IN_MOVE, error);
  const int third = inotify.add(file, IN_MODIFY, error);

  const std::string longest(255, 'n');
  directory.write("one/" + longest, "");
  std::filesystem::rename(one + "/" + longest, two + "/b");
  directory.write("file", "ab");
  std::filesystem::create_directory(one + "/d");
  // However small the buffer is, as long as one event fits.
  const auto told = all_of(inotify, os::Inotify::kSmallestBuffer);

  REQUIRE(told.size() >= 5);
  CHECK(told[0].watch == first);
  CHECK(told[0].mask == IN_CREATE);
  CHECK(told[0].name == longest);
  CHECK(told[1].mask == IN_MOVED_FROM);
  CHECK(told[2].watch == second);
  CHECK(told[2].mask == IN_MOVED_TO);
  CHECK(told[2].name == "b");
  CHECK(told[3].watch == third);
  CHECK(told[3].mask == IN_MODIFY);
  CHECK(told[3].name.empty());
  CHECK(told.back().mask == (IN_CREATE | IN_ISDIR));
  CHECK(told.back().name == "d");
}

TEST_CASE("a watch ends by removal or with its inode, and says so", "[inotify]") {
  os::Inotify inotify = opened();
  const testing::ScratchDirectory directory;
  int error = 0;
  const int kept = inotify.add(directory.write("kept", ""), IN_MODIFY, error);
  const int gone = inotify.add(directory.write("gone", ""), IN_MODIFY, error);
  inotify.remove(kept);
  std::filesystem::remove(directory / "gone");
  const auto told = all_of(inotify);
  REQUIRE(told.size() == 2);
  CHECK(told[0].watch == kept);
  CHECK(told[0].mask == IN_IGNORED);
  CHECK(told[1].watch == gone);
  CHECK(told[1].mask == IN_IGNORED);
  inotify.remove(gone);
  directory.write("kept", "x");
  CHECK(all_of(inotify).empty());
}

TEST_CASE("two names of one inode are one watch", "[inotify]") {
  os::Inotify inotify = opened();
  const testing::ScratchDirectory directory;
  int error = 0;
  const int watch = inotify.add(directory.write("x", ""), IN_MODIFY, error);
  std::filesystem::create_symlink("x", directory / "link");
  CHECK(inotify.add(directory / "link", IN_MODIFY, error) == watch);
}

TEST_CASE("what can't be watched is told by errno", "[inotify]") {
  os::Inotify inotify = opened();
  const testing::ScratchDirectory directory;
  int error = 0;
  CHECK(inotify.add(directory / "nothing", IN_MODIFY, error) == -1);
  CHECK(error == ENOENT);
  std::string small(8, '\0');
  REQUIRE(inotify.add(directory / "", IN_CREATE, error) != -1);
  directory.write("x", "");
  CHECK(inotify.read(small).error == EINVAL);
}

TEST_CASE("events that were cut are not read", "[inotify]") {
  std::string bytes(sizeof(inotify_event), '\0');
  std::string_view events = bytes;
  CHECK(os::next_event(events).has_value());
  CHECK(events.empty());
  CHECK_FALSE(os::next_event(events).has_value());
  events = std::string_view(bytes).substr(1);
  CHECK_FALSE(os::next_event(events).has_value());
  const inotify_event lies{.wd = 1, .mask = IN_CREATE, .cookie = 0, .len = 16};
  bytes.assign(reinterpret_cast<const char*>(&lies), sizeof lies);
  bytes.append(15, 'x');
  events = bytes;
  CHECK_FALSE(os::next_event(events).has_value());
}
