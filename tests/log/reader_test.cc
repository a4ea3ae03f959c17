#include "log/reader.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <limits>

#include "catch.h"
#include "log/segment_files.h"
#include "os/file.h"

using namespace sluice;
using log::FileKind;
using log::Find;
using log::Slice;
using log::Wanted;
using testing::MadeBatch;
using testing::MadePartition;
using testing::MadeSegment;

namespace {

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kPlenty = 1 << 30;

struct Fixture {
  MadePartition partition;
  loop::EventLoop loop;
  loop::Offload offload{2, 64};
  log::Reader reader;
  loop::Ticket ticket;
  int off_loop = 0;  // jobs that were waited for

  explicit Fixture(std::size_t capacity = 100) : reader(loop, offload, capacity) {}
  ~Fixture() { offload.stop(); }

  template <typename Ask>
  auto settle(Ask ask) {
    for (;;) {
      auto result = ask();
      if (result.found != Find::kPending) return result;
      REQUIRE(++off_loop < 1000);
      loop.run();
    }
  }
  Slice find(const Wanted& wanted) {
    return settle([&] { return reader.find(partition.view(), wanted, ticket, [this] { loop.stop(); }); });
  }
  log::AtTime find_time(std::int64_t timestamp, std::int64_t before = kAll) {
    const auto view = partition.shared_view();
    return settle([&] { return reader.find_time(view, timestamp, before, ticket, [this] { loop.stop(); }); });
  }
  log::AtTime find_youngest(std::int64_t before = kAll) {
    const auto view = partition.shared_view();
    return settle([&] { return reader.find_youngest(view, before, ticket, [this] { loop.stop(); }); });
  }
};

std::string bytes_of(const Slice& slice) {
  std::string all;
  for (const relay::FileRange& range : slice.ranges) {
    std::string part(range.length, '\0');
    REQUIRE(os::read_at(range.file->fd(), part, range.offset).bytes == range.length);
    all += part;
  }
  CHECK(all.size() == slice.bytes);
  return all;
}

// What a slice of these segments has to be.
std::string naive_slice(const std::vector<MadeSegment>& segments, const Wanted& wanted) {
  std::string all;
  for (const MadeSegment& segment : segments) {
    for (const MadeBatch& batch : segment.batches) {
      if (batch.last < wanted.from) continue;
      const bool first = wanted.first_whole && all.empty();
      if (batch.first >= wanted.before || (all.size() + batch.size > wanted.most && !first)) return all;
      all += segment.log.substr(batch.position, batch.size);
    }
  }
  return all;
}

std::vector<MadeSegment> some_segments(unsigned seed, int count, int batches, std::uint64_t interval = 600) {
  std::mt19937 random(seed);
  std::vector<MadeSegment> segments;
  std::int64_t base = 0;
  for (int i = 0; i < count; ++i) {
    segments.push_back(testing::random_segment(random, base, batches, 200));
    segments.back().make_index(interval, i + 1 == count ? 4096 : 0);
    base = segments.back().end_offset + static_cast<std::int64_t>(random() % 3 * 5);
  }
  return segments;
}

}  // namespace

TEST_CASE("slices are the whole batches that a naive scan takes", "[log]") {
  std::mt19937 random(99);
  const int kind = GENERATE(0, 1, 2, 3);
  auto segments = some_segments(7, 4, 40);
  segments.emplace_back(segments.back().end_offset);  // empty, as after a roll
  Fixture f(kind == 3 ? 2 : 100);
  for (MadeSegment& segment : segments) {
    if (kind == 1) segment.index = "what is this?";
    f.partition.write(segment, kind != 2);
  }
  const std::int64_t end = f.partition.view().end;
  for (int round = 0; round < 400; ++round) {
    Wanted wanted;
    wanted.from = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end + 1));
    wanted.before = random() % 2 == 0
                        ? end
                        : wanted.from + static_cast<std::int64_t>(
                                            random() % static_cast<std::uint64_t>(end - wanted.from + 1));
    wanted.most = random() % (random() % 2 == 0 ? 600 : 40000);
    wanted.first_whole = random() % 2 == 0;
    const Slice slice = f.find(wanted);
    REQUIRE(slice.found == Find::kFound);
    const std::string got = bytes_of(slice), want = naive_slice(segments, wanted);
    if (kind == 3) {  // fewer segments may be open than it would take
      REQUIRE(slice.ranges.size() <= 2);
      REQUIRE(want.starts_with(got));
      REQUIRE(got.empty() == want.empty());
    } else {
      REQUIRE(got == want);
    }
    REQUIRE((slice.next > wanted.from) == !got.empty());
    REQUIRE(f.reader.open_segments() <= (kind == 3 ? 2 : 4));
  }
}

TEST_CASE("from slice to slice everything comes once, over segments and gaps, and the way back is free",
          "[log]") {
  const auto segments = some_segments(21, 6, 50);
  std::string all;
  Fixture f;
  for (const MadeSegment& segment : segments) {
    f.partition.write(segment);
    all += segment.log;
  }
  const std::uint64_t most = GENERATE(1u, 1000u, 5000u, 100000u);
  for (int round = 0; round < 2; ++round) {
    std::string got;
    std::int64_t from = 0;
    while (from < f.partition.view().end) {
      const Slice slice =
          f.find({.from = from, .before = f.partition.view().end, .most = most, .first_whole = true});
      REQUIRE(slice.found == Find::kFound);
      REQUIRE(!slice.ranges.empty());
      got += bytes_of(slice);
      from = slice.next;
    }
    CHECK(got == all);
    if (round == 1) CHECK(f.off_loop == 0);
    f.off_loop = 0;
  }
  const Slice last =
      f.find({.from = f.partition.view().end, .before = kAll, .most = most, .first_whole = true});
  CHECK(last.found == Find::kFound);
  CHECK(last.ranges.empty());
  CHECK(last.next == f.partition.view().end);
}

TEST_CASE("a slice goes over many segments at once, each a range of its own file", "[log]") {
  const auto segments = some_segments(5, 50, 3);
  Fixture f;
  for (const MadeSegment& segment : segments) f.partition.write(segment);
  const Slice slice = f.find({.from = 0, .before = kAll, .most = kPlenty, .first_whole = false});
  REQUIRE(slice.ranges.size() == 32);
  CHECK(f.off_loop == 1);
  for (std::size_t i = 0; i < slice.ranges.size(); ++i)
    CHECK(slice.ranges[i].length == segments[i].log.size());
  CHECK(slice.next == segments[31].end_offset);
}

TEST_CASE("an index that lies is made anew", "[log]") {
  auto segments = some_segments(8, 1, 60);
  segments[0].index.clear();
  segments[0].add_to_index(segments[0].batches[20].last, segments[0].batches[20].position + 5);
  Fixture f;
  f.partition.write(segments[0]);
  for (const std::size_t i : {3u, 25u, 59u}) {
    const Wanted wanted{
        .from = segments[0].batches[i].first, .before = kAll, .most = 700, .first_whole = true};
    CHECK(bytes_of(f.find(wanted)) == naive_slice(segments, wanted));
  }
  CHECK(f.off_loop == 2);  // opened, opened anew
}

TEST_CASE("a log that grows is followed without leaving the loop", "[log]") {
  Fixture f;
  MadeSegment segment(0);
  segment.add(testing::some_batch(0, 3));
  f.partition.write(segment);
  CHECK(bytes_of(f.find({.from = 0, .before = kAll, .most = kPlenty})) == segment.log);
  f.off_loop = 0;
  std::int64_t from = 3;
  for (int i = 0; i < 600; ++i) {
    const std::size_t before = segment.log.size();
    segment.add(testing::some_batch(segment.end_offset, 2, 50));
    segment.make_index(500);
    std::ofstream(f.partition.path(0, FileKind::kLog), std::ios::app) << segment.log.substr(before);
    std::fstream index(f.partition.path(0, FileKind::kOffsetIndex), std::ios::in | std::ios::out);
    index << segment.index;
    index.close();
    f.partition.view().segments[0].size = segment.log.size();
    f.partition.view().segments[0].end_offset = f.partition.view().end = segment.end_offset;
    const Slice slice = f.find({.from = from, .before = kAll, .most = kPlenty});
    REQUIRE(bytes_of(slice) == segment.log.substr(before));
    from = slice.next;
    // Somewhere before, too: by the index that grew.
    const Wanted wanted{.from = from / 2, .before = kAll, .most = 500};
    REQUIRE(bytes_of(f.find(wanted)) == naive_slice({segment}, wanted));
  }
  CHECK(f.off_loop == 0);
  CHECK(f.reader.open_segments() == 1);
}

TEST_CASE("a segment that was compacted has another inode: it is opened anew, and the old one is no more",
          "[log]") {
  auto segments = some_segments(30, 1, 20);
  Fixture f;
  f.partition.write(segments[0]);
  const Slice before = f.find({.from = 0, .before = kAll, .most = kPlenty});
  const std::string old_bytes = segments[0].log;
  const log::SegmentView old_view = f.partition.view().segments[0];

  MadeSegment compacted(0);
  compacted.add(testing::some_batch(7, 2));
  const std::string path = f.partition.path(0, FileKind::kLog);
  std::ofstream(path + ".swap", std::ios::binary) << compacted.log;
  std::filesystem::rename(path + ".swap", path);
  // The slice that is being sent is still right.
  CHECK(bytes_of(before) == old_bytes);
  // The view does not know yet: an open segment goes on, one that is not open can't be had any more.
  CHECK(bytes_of(f.find({.from = 0, .before = kAll, .most = kPlenty})) == old_bytes);
  log::Reader other(f.loop, f.offload, 10);
  const Slice stale = f.settle([&] {
    return other.find(f.partition.view(), {.from = 0, .before = kAll, .most = 9}, f.ticket,
                      [&] { f.loop.stop(); });
  });
  CHECK(stale.found == Find::kFailed);
  CHECK(stale.error == ESTALE);

  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  auto& view = f.partition.view().segments[0];
  view = {.base_offset = 0, .end_offset = 9, .size = compacted.log.size(), .inode = status.st_ino};
  CHECK(view.inode != old_view.inode);
  CHECK(bytes_of(f.find({.from = 0, .before = kAll, .most = kPlenty})) == compacted.log);
  CHECK(f.reader.open_segments() == 1);

  view.inode = old_view.inode;  // as large as it may be
  CHECK(f.find({.from = 0, .before = kAll, .most = kPlenty}).error == ESTALE);
}

TEST_CASE("a log that was cut and went on otherwise: no batch is taken from where one used to begin",
          "[log]") {
  Fixture f;
  MadeSegment before(0), after(0);
  for (std::int64_t offset = 0; offset < 60; ++offset) before.add(testing::some_batch(offset, 1, 100));
  const std::uint64_t size = before.batches[50].size;
  for (std::int64_t offset = 0; offset < 20; ++offset) after.add(testing::some_batch(offset, 1, 100));
  // Smaller by half, so that some begin where one began before, with other offsets.
  for (std::int64_t offset = 20; offset < 90; ++offset)
    after.add(testing::some_batch(offset, 1, size / 2 - 74));
  before.make_index(500);
  after.make_index(700);
  f.partition.write(before);
  const auto wanted = [](std::int64_t from) { return Wanted{.from = from, .before = kAll, .most = 1500}; };
  std::vector<std::int64_t> ends;
  for (std::int64_t from = 0; from < 60; ends.push_back(from)) from = f.find(wanted(from)).next;
  REQUIRE(after.batches[50].size * 2 == size);
  f.partition.write(after);                  // the same file
  std::vector<std::int64_t> offsets = ends;  // first of all, while they are remembered
  for (std::int64_t from = 0; from < 90; ++from) offsets.push_back(from);
  for (const std::int64_t from : offsets)
    REQUIRE(bytes_of(f.find(wanted(from))) == naive_slice({after}, wanted(from)));
}

TEST_CASE("a segment that is cut or goes away is an error, and other segments are still served", "[log]") {
  auto segments = some_segments(31, 3, 300);
  Fixture f;
  for (const MadeSegment& segment : segments) f.partition.write(segment);
  const auto in = [&](std::size_t i) {
    return Wanted{.from = segments[i].batches[200].first, .before = kAll, .most = 3000};
  };
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.find(in(i)).found == Find::kFound);

  std::filesystem::resize_file(f.partition.path(segments[0].base, FileKind::kLog), 100);
  for (int again = 0; again < 3; ++again) {
    const Slice cut = f.find({.from = segments[0].batches[150].first, .before = kAll, .most = 3000});
    CHECK(cut.found == Find::kFailed);
    CHECK(cut.error == ESTALE);
  }
  CHECK(bytes_of(f.find(in(1))) == naive_slice(segments, in(1)));

  std::filesystem::remove(f.partition.path(segments[1].base, FileKind::kLog));
  CHECK(bytes_of(f.find({.from = segments[1].base, .before = kAll, .most = 3000})).size() >
        2000);  // still open
  log::Reader other(f.loop, f.offload, 10);
  const auto ask = [&](std::int64_t from) {
    return f.settle([&] {
      return other.find(f.partition.view(), {.from = from, .before = kAll, .most = kPlenty}, f.ticket,
                        [&] { f.loop.stop(); });
    });
  };
  CHECK(ask(segments[1].base).error == ENOENT);
  CHECK(bytes_of(ask(segments[2].base)) == segments[2].log);
  CHECK(other.open_segments() == 1);
}

TEST_CASE("an index that is cut under the reader is no crash", "[log]") {
  auto segments = some_segments(32, 1, 3000, 100);
  Fixture f;
  f.partition.write(segments[0]);
  const Wanted wanted{.from = segments[0].batches[2500].first, .before = kAll, .most = 900};
  CHECK(bytes_of(f.find(wanted)) == naive_slice(segments, wanted));
  std::filesystem::resize_file(f.partition.path(0, FileKind::kOffsetIndex), 0);
  const Wanted other{.from = segments[0].batches[1500].first, .before = kAll, .most = 900};
  Slice slice = f.find(other);
  if (slice.found == Find::kFailed) slice = f.find(other);  // it was noticed, and is opened again
  CHECK(bytes_of(slice) == naive_slice(segments, other));
}

TEST_CASE("batches before a corrupt place are served, and then it is told", "[log]") {
  auto segments = some_segments(33, 2, 60);
  const MadeBatch broken = segments[0].batches[40];
  segments[0].log[broken.position + 16] = 9;
  Fixture f;
  for (const MadeSegment& segment : segments) f.partition.write(segment);
  const std::uint64_t start = segments[0].batches[30].position, whole = broken.position - start;
  const Slice slice = f.find({.from = segments[0].batches[30].first, .before = kAll, .most = whole + 70});
  REQUIRE(slice.found == Find::kFound);
  CHECK(bytes_of(slice) == segments[0].log.substr(start, whole));
  CHECK(slice.next == segments[0].batches[39].last + 1);
  const Slice failed = f.find({.from = slice.next, .before = kAll, .most = 100});
  CHECK(failed.found == Find::kFailed);
  CHECK(failed.error == EBADMSG);
  CHECK(f.find({.from = segments[1].base, .before = kAll, .most = 5000}).found == Find::kFound);
}

TEST_CASE("heads on cold pages are fetched off the loop", "[log]") {
  auto segments = some_segments(34, 1, 20000);
  Fixture f;
  f.partition.write(segments[0]);
  const auto wanted = [&](std::size_t batch) {
    return Wanted{.from = segments[0].batches[batch].first, .before = kAll, .most = 3000};
  };
  CHECK(f.find({.from = 0, .before = kAll, .most = kPlenty}).bytes == segments[0].log.size());
  const os::FileOr file = os::open_file(f.partition.path(0, FileKind::kLog));
  REQUIRE(segments[0].log.size() > 3 * relay::File::kWindow);
  ::fsync(file.fd.get());
  ::posix_fadvise(file.fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  char byte;
  const auto at = segments[0].batches[15000].position;
  if (os::read_resident(file.fd.get(), {&byte, 1}, at).ok()) {
    WARN("skipped: this file system keeps its pages");
    return;
  }
  f.off_loop = 0;
  CHECK(bytes_of(f.find(wanted(15000))) == naive_slice(segments, wanted(15000)));
  CHECK(f.off_loop >= 1);
  f.off_loop = 0;
  CHECK(bytes_of(f.find(wanted(15003))) == naive_slice(segments, wanted(15003)));
  CHECK(f.off_loop == 0);
}

TEST_CASE("a look-up in an open segment makes no system call", "[log]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  WARN("skipped: a sanitizer makes calls of its own");
  return;
#endif
  auto segments = some_segments(35, 2, 2000);
  Fixture f;
  for (const MadeSegment& segment : segments) f.partition.write(segment);
  const auto ask = [&](std::int64_t from) {
    return f.reader
        .find(f.partition.view(), {.from = from, .before = kAll, .most = 5000, .first_whole = true}, f.ticket,
              [] {})
        .found;
  };
  const auto look_up_all = [&] {
    bool found = true;
    for (std::int64_t from = 0; from < f.partition.view().end; from += 13)
      found = found && ask(from) == Find::kFound;
    return found;
  };
  // Opened, and what memory it takes is at hand.
  f.find({.from = 0, .before = kAll, .most = kPlenty});
  REQUIRE(look_up_all());

  pid_t child = -1;
  f.loop.post([&] {
    (void)f.loop.now();  // once a turn: strict mode lets nobody read the clock
    child = ::fork();
    if (child == 0) {
      // From here on only read, write and exit are there; any other call ends the child.
      if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) ::_exit(2);
      ::syscall(SYS_exit, look_up_all() ? 0 : 1);
    }
    f.loop.stop();
  });
  f.loop.run();
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
    WARN("skipped: no seccomp here");
    return;
  }
  CHECK(status == 0);
}

TEST_CASE("a dropped ticket hears nothing", "[log]") {
  Fixture f;
  f.partition.write(some_segments(36, 1, 3)[0]);
  bool told = false;
  const auto ask = [&](loop::Ticket& ticket) {
    return f.reader.find(f.partition.view(), {.from = 0, .before = kAll, .most = 9}, ticket,
                         [&] { told = true; });
  };
  CHECK(ask(f.ticket).found == Find::kPending);
  f.ticket.drop();
  CHECK(f.find({.from = 0, .before = kAll, .most = kPlenty}).found == Find::kFound);
  CHECK_FALSE(told);
}

TEST_CASE("records by their time, against a naive scan", "[log]") {
  const bool with_time_index = GENERATE(true, false);
  std::mt19937 random(12);
  Fixture f;
  struct Known {
    std::int64_t offset, timestamp;
  };
  std::vector<Known> records;
  std::vector<std::int64_t> ends;  // the largest timestamp up to the end of each segment
  std::int64_t offset = 10, now = 1000;
  for (int s = 0; s < 4; ++s) {
    MadeSegment segment(offset);
    std::int64_t largest = -1, largest_at = 0, indexed = -1;
    for (int b = 0; b < 40; ++b) {
      log::BatchBuilder builder(static_cast<log::Codec>(random() % 5));
      const std::int64_t base = offset;
      for (auto count = 1 + random() % 8; count > 0; --count, ++offset) {
        now += static_cast<std::int64_t>(random() % 4) - 1;
        builder.add(now, "k", "v");
        records.push_back({offset, now});
        if (now > largest) largest_at = offset;
        largest = std::max(largest, now);
      }
      segment.add(builder.finish(base, 0));
      if (b % 7 == 6 && largest > indexed) {
        segment.add_to_time_index(largest, largest_at);
        indexed = largest;
      }
      offset += static_cast<std::int64_t>(random() % 3);
    }
    if (largest > indexed && s != 3) segment.add_to_time_index(largest, largest_at);
    segment.make_index(300);
    ends.push_back(largest);
    if (!with_time_index) segment.time_index.clear();
    if (with_time_index && s == 3) segment.time_index.append(1200, '\0');
    f.partition.write(segment);
  }
  for (int round = 0; round < 150; ++round) {
    const std::int64_t some =
        990 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(now - 980));
    const std::int64_t wanted = round < 8 ? ends[static_cast<std::size_t>(round) / 2] + round % 2 : some;
    const std::int64_t before = random() % 3 == 0 ? static_cast<std::int64_t>(random() % 800) : kAll;
    f.partition.view().log_start = random() % 3 == 0 ? 10 + static_cast<std::int64_t>(random() % 300) : 10;
    Known first{-1, -1}, youngest{-1, -1};
    for (const Known& record : records) {
      if (record.offset < f.partition.view().log_start || record.offset >= before) continue;
      if (record.timestamp >= wanted && first.offset == -1) first = record;
      if (record.timestamp > youngest.timestamp) youngest = record;
    }
    const log::AtTime at = f.find_time(wanted, before);
    CAPTURE(wanted, before, f.partition.view().log_start);
    REQUIRE(at.found == Find::kFound);
    REQUIRE(at.offset == first.offset);
    REQUIRE(at.timestamp == first.timestamp);
    const log::AtTime last = f.find_youngest(before);
    REQUIRE(last.found == Find::kFound);
    REQUIRE(last.offset == youngest.offset);
    REQUIRE(last.timestamp == youngest.timestamp);
  }
}

TEST_CASE("times where there is nothing, and where something can't be read", "[log]") {
  Fixture f;
  f.partition.write(MadeSegment(0));
  CHECK(f.find_time(0).offset == -1);
  CHECK(f.find_youngest().offset == -1);

  MadeSegment segment(0);
  segment.add(testing::some_batch(0, 3));
  const std::string undecodable =
      testing::changed(testing::some_batch(3, 3), [](log::BatchHead& head) { head.attributes = 4; });
  segment.add(undecodable);
  f.partition.write(segment);
  CHECK(f.find_time(1).offset == 1);
  CHECK(f.find_time(4).offset == 3);  // its batch: too early, and safe
  CHECK(f.find_youngest().offset == 3);
  CHECK(f.find_time(6).offset == -1);

  std::filesystem::remove(f.partition.path(0, FileKind::kLog));
  CHECK(f.find_time(1).found == Find::kFailed);
  CHECK(f.find_time(1).error == ENOENT);
}
