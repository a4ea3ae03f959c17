// The linked variant does what it says: kernel_paths() tells which one that is.
#include "os/kernel_paths.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "catch.h"
#include "os/process.h"
#include "os/socket.h"
#include "scratch_directory.h"

using namespace sluice;

namespace {

struct Pair {
  Pair() {
    os::ignore_sigpipe();
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  void say(std::string_view text) const {
    REQUIRE(::send(far.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::string heard() const {
    std::string out(10'000, '\0');
    const auto got = os::recv_some(far.get(), out);
    out.resize(got.ok() ? got.bytes : 0);
    return out;
  }
  os::UniqueFd near, far;
};

struct Pipe : os::Pipe {
  explicit Pipe(int error = 0) : os::Pipe(os::Pipe::open(64 * 1024, error)) { REQUIRE(valid()); }
};

os::UniqueFd open_for_reading(const std::string& path) {
  return os::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

TEST_CASE("the build's name says which paths it has", "[kernel-paths]") {
  const os::KernelPaths paths = os::kernel_paths();
  const std::string want = paths.splice && paths.sendfile ? "sendfile+splice"
                           : paths.sendfile               ? "sendfile"
                                                          : "none";
  CHECK(os::kernel_paths_name() == want);
}

TEST_CASE("a path that is not built answers ENOSYS and moves nothing", "[kernel-paths]") {
  Pair pair;
  Pipe pipe;
  pair.say("x");
  if (!os::kernel_paths().splice) {
    CHECK(os::splice_in(pair.near.get(), pipe, 1).error == ENOSYS);
    CHECK(os::splice_out(pipe, pair.near.get(), 1, false).error == ENOSYS);
    char byte = 0;
    CHECK(os::recv_some(pair.near.get(), {&byte, 1}).bytes == 1);
  }
  if (!os::kernel_paths().sendfile) CHECK(os::send_file(pair.near.get(), 0, 0, 1).error == ENOSYS);
}

TEST_CASE("splice in: dry, a part, the rest, the end", "[kernel-paths]") {
  if (!os::kernel_paths().splice) return;
  Pair from, to;
  Pipe pipe;
  CHECK(os::splice_in(from.near.get(), pipe, 10).would_block());
  from.say("abcdef");
  const auto part =
      os::splice_in(from.near.get(), pipe, 4);  // never more than asked: the next message may follow
  CHECK(part.bytes == 4);
  CHECK(pipe.pending() == 0);  // counting is the caller's
  CHECK(os::splice_out(pipe, to.near.get(), 4, false).bytes == 4);
  CHECK(to.heard() == "abcd");
  CHECK(os::splice_out(pipe, to.near.get(), 4, false).would_block());  // an empty pipe
  CHECK(os::splice_in(from.near.get(), pipe, 10).bytes == 2);
  ::shutdown(from.far.get(), SHUT_WR);
  const auto end = os::splice_in(from.near.get(), pipe, 10);
  CHECK(end.ok());
  CHECK(end.bytes == 0);
}

TEST_CASE("splice out: a full sink takes a part and leaves the rest in the pipe", "[kernel-paths]") {
  if (!os::kernel_paths().splice) return;
  Pair to;
  Pipe pipe;
  std::string text, heard;
  bool full = false;
  for (char c = 'a'; c <= 'z' && !full; ++c) {  // a pipe holds less than a socket may take
    const std::string part(60'000, c);
    REQUIRE(::write(pipe.write_fd(), part.data(), part.size()) == static_cast<ssize_t>(part.size()));
    pipe.added(part.size());
    text += part;
    while (pipe.pending() != 0 && !full) {
      const auto put = os::splice_out(pipe, to.near.get(), pipe.pending(), false);
      REQUIRE((put.ok() || put.would_block()));
      full = put.bytes == 0;
      pipe.removed(put.bytes);
    }
  }
  REQUIRE(full);
  CHECK(pipe.pending() > 0);
  std::string rest(text.size(), '\0');
  rest.resize(pipe.drain(rest).bytes);
  for (std::string more = to.heard(); !more.empty(); more = to.heard()) heard += more;
  CHECK((heard + rest == text));
  CHECK(pipe.pending() == 0);
}

TEST_CASE("splice out to a peer that is gone is EPIPE, and no signal", "[kernel-paths]") {
  if (!os::kernel_paths().splice) return;
  Pair to;
  Pipe pipe;
  REQUIRE(::write(pipe.write_fd(), "x", 1) == 1);
  to.far.reset();
  CHECK(os::splice_out(pipe, to.near.get(), 1, false).error == EPIPE);
}

TEST_CASE("send_file moves the range it is told, and the descriptor's own position plays no part",
          "[kernel-paths]") {
  if (!os::kernel_paths().sendfile) return;
  const testing::ScratchDirectory directory;
  const os::UniqueFd file = open_for_reading(directory.write("f", "0123456789"));
  Pair to;
  REQUIRE(::lseek(file.get(), 5, SEEK_SET) == 5);
  CHECK(os::send_file(to.near.get(), file.get(), 2, 3).bytes == 3);
  CHECK(to.heard() == "234");
  CHECK(::lseek(file.get(), 0, SEEK_CUR) == 5);
  CHECK(os::send_file(to.near.get(), file.get(), 8, 100).bytes == 2);
  CHECK(to.heard() == "89");
  const auto past = os::send_file(to.near.get(), file.get(), 10, 100);
  CHECK(past.ok());
  CHECK(past.bytes == 0);
  ::fcntl(to.near.get(), F_SETFL, O_NONBLOCK | O_APPEND);
  CHECK(os::send_file(to.near.get(), file.get(), 0, 1).error == EINVAL);
  to.far.reset();
}
