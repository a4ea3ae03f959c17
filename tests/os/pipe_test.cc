#include "os/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "catch.h"

using sluice::os::Pipe;

TEST_CASE("a pipe never blocks and is not inherited", "[pipe]") {
  int error = -1;
  const Pipe pipe = Pipe::open(128 * 1024, error);
  REQUIRE(pipe.valid());
  CHECK(error == 0);
  for (const int fd : {pipe.read_fd(), pipe.write_fd()}) {
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(pipe.capacity() == static_cast<std::size_t>(::fcntl(pipe.read_fd(), F_GETPIPE_SZ)));
  CHECK(pipe.pending() == 0);
}

TEST_CASE("a size that is not granted is no error: capacity tells", "[pipe]") {
  int error = -1;
  const Pipe pipe = Pipe::open(std::size_t{1} << 30, error);  // above pipe-max-size without privileges
  REQUIRE(pipe.valid());
  CHECK(error == 0);
  CHECK(pipe.capacity() >= 4096);
  CHECK(pipe.capacity() == static_cast<std::size_t>(::fcntl(pipe.read_fd(), F_GETPIPE_SZ)));
}

TEST_CASE("draining takes out what is there and keeps count", "[pipe]") {
  int error = 0;
  Pipe pipe = Pipe::open(64 * 1024, error);
  REQUIRE(pipe.valid());
  REQUIRE(::write(pipe.write_fd(), "abcdef", 6) == 6);
  pipe.added(6);
  std::string bytes(4, '\0');
  CHECK(pipe.drain(bytes).bytes == 4);
  CHECK(bytes == "abcd");
  CHECK(pipe.pending() == 2);
  CHECK(pipe.drain(bytes).bytes == 2);
  CHECK(pipe.pending() == 0);
  CHECK(pipe.drain(bytes).would_block());
  CHECK(pipe.pending() == 0);
}

TEST_CASE("moving a pipe moves its descriptors and its count", "[pipe]") {
  int error = 0;
  Pipe from = Pipe::open(64 * 1024, error);
  REQUIRE(::write(from.write_fd(), "abc", 3) == 3);
  from.added(3);
  const int number = from.read_fd();
  {
    const Pipe to = std::move(from);
    CHECK(to.read_fd() == number);
    CHECK(to.pending() == 3);
    // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): what is left is the point
    CHECK_FALSE(from.valid());
  }
  CHECK(::fcntl(number, F_GETFD) == -1);
}
