#include "relay/pipe_pool.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "base/bytes.h"
#include "catch.h"

using namespace sluice;
using relay::PipeLease;
using relay::PipePool;

namespace {

void put(os::Pipe& pipe, std::string_view text) {
  REQUIRE(::write(pipe.write_fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  pipe.added(text.size());
}

// No descriptor can be opened while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    REQUIRE(lowest_free != -1);
    ::close(lowest_free);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a pipe that was emptied is used again", "[pipe-pool]") {
  PipePool pool(64_KiB, 4, 4);
  int number = -1;
  {
    PipeLease lease = pool.take();
    REQUIRE(lease.valid());
    number = lease->read_fd();
    put(*lease, "abc");
    char bytes[3];
    CHECK(lease->drain(bytes).bytes == 3);
    CHECK(lease.pending() == 0);
    CHECK(pool.in_use() == 1);
  }
  CHECK(pool.in_use() == 0);
  CHECK(pool.open() == 1);
  const PipeLease again = pool.take();
  REQUIRE(again.valid());
  CHECK(pool.open() == 1);
  PipeLease copy = pool.take();
  CHECK(copy->read_fd() != number);  // `again` has it
}

TEST_CASE("leftovers close the pipe: they never reach another body", "[pipe-pool]") {
  PipePool pool(64_KiB, 4, 4);
  PipeLease lease = pool.take();
  REQUIRE(lease.valid());
  const int number = lease->read_fd();
  put(*lease, "secret");
  lease.give_back();
  CHECK_FALSE(lease.valid());
  CHECK(lease.pending() == 0);
  CHECK(pool.open() == 0);
  CHECK(::fcntl(number, F_GETFD) == -1);
  PipeLease next = pool.take();
  REQUIRE(next.valid());
  char byte;
  CHECK(next->drain({&byte, 1}).would_block());
}

TEST_CASE("the number of pipes is bounded, and what comes back can be had again", "[pipe-pool]") {
  PipePool pool(64_KiB, 2, 2);
  PipeLease a = pool.take();
  PipeLease b = pool.take();
  REQUIRE((a.valid() && b.valid()));
  CHECK_FALSE(pool.take().valid());
  CHECK_FALSE(pool.take().valid());
  CHECK(pool.refused() == 2);
  CHECK(pool.open() == 2);
  a.give_back();
  PipeLease c = pool.take();
  CHECK(c.valid());
  put(*b, "x");
  b.give_back();  // closed: its place is free all the same
  PipeLease d = pool.take();
  CHECK(d.valid());
  CHECK(pool.open() == 2);
}

TEST_CASE("only the spare pipes stay open", "[pipe-pool]") {
  PipePool pool(64_KiB, 8, 2);
  std::vector<PipeLease> leases;
  for (int i = 0; i < 5; ++i) leases.push_back(pool.take());
  CHECK(pool.open() == 5);
  leases.clear();
  CHECK(pool.open() == 2);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("without descriptors there is no pipe, and later there is", "[pipe-pool]") {
  PipePool pool(64_KiB, 4, 4);
  {
    const NoDescriptors none;
    CHECK_FALSE(pool.take().valid());
  }
  CHECK(pool.refused() == 1);
  CHECK(pool.open() == 0);
  CHECK(pool.take().valid());
}

TEST_CASE("a lease that is overwritten gives its pipe back", "[pipe-pool]") {
  PipePool pool(64_KiB, 4, 4);
  PipeLease lease = pool.take();
  lease = pool.take();
  CHECK(lease.valid());
  CHECK(pool.in_use() == 1);
  CHECK(pool.open() == 2);
  PipeLease moved(std::move(lease));
  CHECK(pool.in_use() == 1);
  moved.give_back();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a long body takes a wide pipe, of which there are few", "[pipe-pool]") {
  PipePool pool(64_KiB, 100, 100);
  CHECK(pool.take(PipePool::kLong - 1)->capacity() == 64_KiB);
  std::vector<PipeLease> leases;
  std::size_t wide = 0;
  for (int i = 0; i < 64; ++i) {
    leases.push_back(pool.take(PipePool::kLong));
    REQUIRE(leases.back().valid());
    wide += leases.back()->capacity() == 256_KiB ? 1 : 0;
  }
  CHECK(wide == 32);
  CHECK(pool.in_use() == 64);
  const int number = leases.front()->read_fd();
  leases.front().give_back();
  PipeLease ordinary = pool.take();
  CHECK(ordinary->capacity() == 64_KiB);  // a wide one waits for a long body
  PipeLease again = pool.take(PipePool::kLong);
  CHECK(again->read_fd() == number);
  CHECK(pool.refused() == 0);
}

TEST_CASE("where the kernel grants no wide pipe, an ordinary one serves", "[pipe-pool]") {
  PipePool pool(512_MiB, 4, 4);  // above what one call may ask for; the kernel's own size serves, too
  PipeLease lease = pool.take(PipePool::kLong);
  REQUIRE(lease.valid());
  CHECK(lease->capacity() < 512_MiB);
  CHECK(pool.in_use() == 1);
}

TEST_CASE("where ordinary pipes are too small to be of use, there are no wide ones", "[pipe-pool]") {
  PipePool pool(4_KiB, 4, 4);
  CHECK_FALSE(pool.take(PipePool::kLong).valid());
  CHECK(pool.open() == 0);
}
