#include "os/mapped_file.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "catch.h"
#include "os/bus_guard.h"
#include "os/file.h"
#include "scratch_directory.h"

using namespace sluice;

namespace {

struct Fixture {
  testing::ScratchDirectory scratch;
  std::string path = scratch.write("file", std::string(5 * 4096, 'x'));
  os::MappedFile file = map(5 * 4096);

  [[nodiscard]] os::MappedFile map(std::size_t size) const {
    int error = 0;
    os::MappedFile mapped = os::MappedFile::map(os::open_file(path).fd.get(), size, error);
    REQUIRE(error == 0);
    return mapped;
  }
  // '\0': it was gone.
  [[nodiscard]] char at(std::size_t place) const {
    char c = '\0';
    return os::guarded([&] { c = file.bytes()[place]; }) ? c : '\0';
  }
};

// How a child that does this ends.
template <typename Do>
int status_of_child(Do&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("a file is memory, also when it grows or its descriptor is closed", "[os]") {
  Fixture f;
  f.file = f.map(8 * 4096);
  CHECK(f.file.bytes().size() == 8 * 4096);
  CHECK(f.at(0) == 'x');
  CHECK(f.at(6 * 4096) == '\0');
  std::ofstream(f.path, std::ios::app) << std::string(2 * 4096, 'y');
  CHECK(f.at(6 * 4096) == 'y');
  CHECK(f.at(7 * 4096) == '\0');

  os::MappedFile other = std::move(f.file);
  CHECK_FALSE(f.file.mapped());
  CHECK(other.bytes()[4095] == 'x');
}

TEST_CASE("what can't be mapped says why", "[os]") {
  int error = 0;
  CHECK_FALSE(os::MappedFile::map(-1, 4096, error).mapped());
  CHECK(error == EBADF);
  const testing::ScratchDirectory scratch;
  CHECK_FALSE(os::MappedFile::map(os::open_file(scratch / "").fd.get(), 4096, error).mapped());
  CHECK(error == ENODEV);
}

TEST_CASE("a file that is cut while it is read is noticed, again and again", "[os]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    CHECK(f.at(3 * 4096) == 'x');
    std::filesystem::resize_file(f.path, 4096);
    CHECK(f.at(3 * 4096) == '\0');
    CHECK(f.at(4 * 4096) == '\0');
    CHECK(f.at(0) == 'x');
    std::filesystem::resize_file(f.path, 0);
    CHECK(f.at(0) == '\0');
    std::ofstream(f.path) << std::string(5 * 4096, 'x');
  }
}

TEST_CASE("guards may be nested, and each thread has its own", "[os]") {
  Fixture f;
  std::filesystem::resize_file(f.path, 4096);
  bool inner = true, behind = false;
  CHECK(os::guarded([&] {
    inner = os::guarded([&] { (void)*static_cast<const volatile char*>(f.file.bytes().data() + 4096); });
    behind = true;
  }));
  CHECK_FALSE(inner);
  CHECK(behind);
  CHECK_FALSE(os::guarded([&] {
    inner = os::guarded([] {});
    (void)*static_cast<const volatile char*>(f.file.bytes().data() + 4096);
  }));
  CHECK(inner);

  std::vector<std::thread> threads;
  std::vector<int> gone(4);
  for (int& count : gone)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) count += f.at(4096) == '\0' && f.at(0) == 'x' ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(gone == std::vector<int>(4, 2000));
}

TEST_CASE("outside of a guard the signal ends the process, and so does one that is sent", "[os]") {
  Fixture f;
  std::filesystem::resize_file(f.path, 0);
  CHECK(status_of_child([&] { (void)f.at(0); }) == 0);
  const auto read = [&] { (void)*static_cast<const volatile char*>(f.file.bytes().data()); };
  for (const int status : {status_of_child([&] {
                             (void)f.at(0);
                             read();
                           }),
                           status_of_child([&] {
                             (void)f.at(0);
                             ::raise(SIGBUS);
                           }),
                           status_of_child([&] { os::guarded([] { ::raise(SIGBUS); }); })}) {
    CHECK(status != 0);  // by the signal, or by a sanitizer that tells of it
  }
}
