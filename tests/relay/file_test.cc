#include "relay/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "catch.h"
#include "os/file.h"
#include "relay/residency.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace std::chrono_literals;
using relay::File;

TEST_CASE("a probed window is trusted for seconds, and no other window with it", "[file]") {
  File file({}, 3 * File::kWindow);
  const os::Time now = os::now();
  CHECK_FALSE(file.known_resident(0, now));
  file.remember_resident(File::kWindow + 5, now);
  CHECK(file.known_resident(File::kWindow, now));
  CHECK(file.known_resident(2 * File::kWindow - 1, now + 1s));
  CHECK_FALSE(file.known_resident(File::kWindow - 1, now));
  CHECK_FALSE(file.known_resident(2 * File::kWindow, now));
  CHECK_FALSE(file.known_resident(File::kWindow, now + 10s));
  file.remember_resident(File::kWindow, now + 10s);
  CHECK(file.known_resident(File::kWindow, now + 10s));
}

TEST_CASE("the last window of a file and what lies beyond it", "[file]") {
  const os::Time now = os::now();
  File exact({}, File::kWindow);
  exact.remember_resident(File::kWindow - 1, now);
  CHECK(exact.known_resident(0, now));
  exact.remember_resident(50 * File::kWindow, now);  // beyond the end: ignored
  CHECK_FALSE(exact.known_resident(50 * File::kWindow, now));
  File huge({}, std::uint64_t{1} << 50);  // the table would be larger than what it saves
  huge.remember_resident(0, now);
  CHECK_FALSE(huge.known_resident(0, now));
}

TEST_CASE("what was just written is resident; bringing in and probing stop at the file's end", "[file]") {
  const testing::ScratchDirectory directory;
  const std::string path = directory.write("f", std::string(200'000, 'x'));
  File file(os::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 200'000);
  REQUIRE(file.fd() != -1);
  char byte;
  if (os::read_resident(file.fd(), {&byte, 1}, 0).error == EOPNOTSUPP) {
    WARN("this file system can't tell residency");
    CHECK_FALSE(relay::is_resident(file, 0, 200'000));
    return;
  }
  relay::bring_in(file, 0, 200'000);
  CHECK(relay::is_resident(file, 0, 200'000));
  relay::bring_in(file, 0, 1'000'000);  // shrank since it was opened: no endless loop
  CHECK(relay::is_resident(file, 0, 0));
}

TEST_CASE("a closed descriptor is not resident", "[file]") {
  const File file({}, 100);
  CHECK_FALSE(relay::is_resident(file, 0, 100));
}
