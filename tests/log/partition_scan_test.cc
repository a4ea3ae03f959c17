#include "log/partition_scan.h"

#include <sys/stat.h>

#include <cerrno>

#include "catch.h"
#include "log/batches.h"
#include "log/partition_files.h"
#include "scratch_directory.h"

using namespace sluice;
using namespace sluice::log;
using testing::changed, testing::in_transaction, testing::marker, testing::some_batch;

namespace {

struct Partition {
  testing::ScratchDirectory root;
  PartitionFiles files{root / "", "t", 3};
  PartitionScan scan{files.path(), {.topic = "t", .index = 3}};

  const PartitionView& look() {
    const Looked look = scan.look();
    CHECK(look.error == 0);
    REQUIRE(scan.view() != nullptr);
    return *scan.view();
  }
  // As another program would see it that starts now.
  const PartitionView& look_anew(bool clean = false) {
    fresh.emplace(files.path(), PartitionName{.topic = "t", .index = 3}, clean);
    CHECK(fresh->look().error == 0);
    REQUIRE(fresh->view() != nullptr);
    return *fresh->view();
  }
  const PartitionView& grow() {
    const Looked look = scan.look_for_growth();
    CHECK(look.error == 0);
    CHECK(look.changed);
    return *scan.view();
  }
  bool grew() { return scan.look_for_growth().changed; }

  std::optional<PartitionScan> fresh;
};

constexpr bool kCommit = true, kAbort = false;

// Whoever follows the log and whoever comes now see the same.
void check_same(const PartitionView& a, const PartitionView& b) {
  CHECK(a.segments == b.segments);
  CHECK(a.log_start == b.log_start);
  CHECK(a.end == b.end);
  CHECK(a.last_stable == b.last_stable);
  REQUIRE(a.aborted.size() == b.aborted.size());
  for (std::size_t i = 0; i != a.aborted.size(); ++i) {
    CHECK(transaction_index_entry(a.aborted[i]) == transaction_index_entry(b.aborted[i]));
  }
}

}  // namespace

TEST_CASE("a directory without a segment has no view, an empty segment has an end", "[partition-scan]") {
  Partition p;
  CHECK_FALSE(p.scan.look().changed);
  CHECK(p.scan.view() == nullptr);
  p.files.write("leader-epoch-checkpoint", "0\n0\n");
  CHECK_FALSE(p.scan.look().changed);
  p.files.append(17, "");
  const PartitionView& view = p.look();
  CHECK(view.topic == "t");
  CHECK(view.index == 3);
  CHECK(view.directory == p.files.path());
  REQUIRE(view.segments.size() == 1);
  CHECK(view.segments[0].base_offset == 17);
  CHECK(view.segments[0].end_offset == 17);
  CHECK(view.segments[0].size == 0);
  CHECK(view.log_start == 17);
  CHECK(view.end == 17);
  CHECK(view.last_stable == 17);
  std::filesystem::remove_all(p.files.path());
  CHECK(p.scan.look().changed);
  CHECK(p.scan.view() == nullptr);
  CHECK_FALSE(p.scan.look().changed);
}

TEST_CASE("what was appended is found from the old end on, a torn batch when it is whole",
          "[partition-scan]") {
  Partition p;
  p.files.append(0, some_batch(0, 3));
  CHECK(p.look().end == 3);
  CHECK_FALSE(p.grew());
  const PartitionViewPtr before = p.scan.view();

  const std::string batch = some_batch(3, 2, 500);
  for (const std::size_t part : {std::size_t{1}, std::size_t{11}, std::size_t{12}, std::size_t{16},
                                 std::size_t{17}, std::size_t{60}, std::size_t{61}, batch.size() - 1}) {
    INFO(part);
    p.files.resize(0, before->segments[0].size);
    p.files.append(0, std::string_view(batch).substr(0, part));
    CHECK_FALSE(p.grew());
    check_same(*before, *p.scan.view());
    check_same(*before, p.look_anew());
    p.files.append(0, std::string_view(batch).substr(part));
    CHECK(p.grow().end == 5);
    CHECK(p.scan.view()->segments[0].size == p.files.size(0));
    check_same(*p.scan.view(), p.look_anew());
    p.files.resize(0, before->segments[0].size);
    CHECK(p.grow().end == 3);
  }
  CHECK(before->end == 3);
}

TEST_CASE("many small batches and large ones, with gaps between them", "[partition-scan]") {
  Partition p;
  std::int64_t next = 0;
  std::string bytes;
  for (int i = 0; i != 500; ++i) {
    const std::size_t size = i % 7 == 0 ? 5000 : static_cast<std::size_t>(i % 13);
    bytes += some_batch(next, 1 + i % 3, size);
    next += 1 + i % 3 + (i % 11 == 0 ? 40 : 0);
    if (i % 50 != 0) continue;
    p.files.append(0, bytes);
    bytes.clear();
    p.look();
  }
  p.files.append(0, bytes);
  CHECK(p.look().end == next);
  check_same(*p.scan.view(), p.look_anew());
}

TEST_CASE("segments: rolled, trimmed at the head, emptied", "[partition-scan]") {
  Partition p;
  p.files.append(0, some_batch(0, 10));
  p.look();
  // Between two looks: the last batch of the old one, an empty new one, and a batch there.
  p.files.append(0, some_batch(10, 5));
  p.files.append(15, "");
  CHECK(p.look().end == 15);
  REQUIRE(p.scan.view()->segments.size() == 2);
  CHECK(p.scan.view()->segments[0].end_offset == 15);
  CHECK(p.scan.view()->segments[0].size == p.files.size(0));
  p.files.append(15, some_batch(15, 1));
  CHECK(p.grow().end == 16);
  p.files.append(16, some_batch(16, 1));
  p.files.append(17, some_batch(20, 2));  // begins behind its name: compacted
  CHECK(p.look().end == 22);
  CHECK(p.scan.view()->segments.size() == 4);
  check_same(*p.scan.view(), p.look_anew());

  std::filesystem::rename(p.files.file(0), p.files.file(0) + ".deleted");
  CHECK(p.look().log_start == 15);
  CHECK(p.scan.view()->segments.size() == 3);
  std::filesystem::remove(p.files.file(15));
  std::filesystem::remove(p.files.file(16));
  CHECK(p.look().log_start == 17);
  // All records are too old: a broker makes a new segment at the end.
  p.files.append(22, "");
  std::filesystem::remove(p.files.file(17));
  CHECK(p.look().log_start == 22);
  CHECK(p.scan.view()->end == 22);
  check_same(*p.scan.view(), p.look_anew());
  std::filesystem::remove(p.files.file(22));
  CHECK(p.scan.look().changed);
  CHECK(p.scan.view() == nullptr);
}

TEST_CASE("leftover files are no segments", "[partition-scan]") {
  Partition p;
  p.files.append(5, some_batch(5, 5));
  for (const char* name : {"00000000000000000000.log.deleted", "00000000000000000010.log.cleaned",
                           "00000000000000000007.log.swap", "00000000000000000000.index.deleted",
                           "00000000000000000000.index", "10.log", "x", "00000000000000000010.snapshot"}) {
    p.files.write(name, some_batch(0, 1));
  }
  CHECK(p.look().log_start == 5);
  CHECK(p.scan.view()->end == 10);
  CHECK(p.scan.view()->segments.size() == 1);
  CHECK(p.scan.view()->last_stable == 10);
}

TEST_CASE("a log that was cut, or written anew from some point on", "[partition-scan]") {
  Partition p;
  const std::string first = some_batch(0, 5), second = some_batch(5, 5);
  p.files.append(0, first + second);
  CHECK(p.look().end == 10);
  SECTION("cut") {
    p.files.resize(0, first.size());
    CHECK(p.grow().end == 5);
    CHECK(p.scan.view()->segments[0].size == first.size());
  }
  SECTION("cut, and gone on by other batches of the same size and more") {
    p.files.resize(0, first.size());
    p.files.append(0, some_batch(5, 3, 18) + some_batch(8, 1));
    CHECK(p.grow().end == 9);
  }
  SECTION("cut, and another batch of the same size in its place") {
    p.files.resize(0, first.size());
    p.files.append(0, in_transaction(second, 1));
    CHECK(p.grow().last_stable == 5);
  }
  SECTION("cut to nothing") {
    p.files.resize(0, 0);
    CHECK(p.grow().end == 0);
  }
  SECTION("cut back to an earlier segment") {
    p.files.append(10, some_batch(10, 5));
    CHECK(p.look().end == 15);
    std::filesystem::remove(p.files.file(10));
    p.files.resize(0, first.size());
    CHECK(p.look().end == 5);
    CHECK(p.scan.view()->segments.size() == 1);
  }
  SECTION("begun anew elsewhere") {
    p.files.append(100, some_batch(100, 5));
    std::filesystem::remove(p.files.file(0));
    CHECK(p.look().end == 105);
    CHECK(p.scan.view()->log_start == 100);
  }
  check_same(*p.scan.view(), p.look_anew());
}

TEST_CASE("a compacted segment takes the place of others, which stay known until then", "[partition-scan]") {
  Partition p;
  p.files.append(0, some_batch(0, 10) + some_batch(10, 10));
  p.files.append(20, some_batch(20, 10));
  p.files.append(30, some_batch(30, 10));
  const auto before = p.look().segments;
  p.files.write("00000000000000000000.log.cleaned", some_batch(3, 1) + some_batch(25, 1));
  const std::string swap = p.files.file(0) + ".swap";
  std::filesystem::rename(p.files.file(0) + ".cleaned", swap);
  CHECK_FALSE(p.scan.look().changed);
  std::filesystem::rename(p.files.file(20), p.files.file(20) + ".deleted");
  std::filesystem::rename(p.files.file(0), p.files.file(0) + ".deleted");
  p.files.append(30, some_batch(40, 1));
  CHECK(p.look().log_start == 0);  // not 30
  CHECK(p.scan.view()->end == 41);
  CHECK(p.scan.view()->segments[0] == before[0]);
  std::filesystem::rename(swap, p.files.file(0));
  REQUIRE(p.look().segments.size() == 2);
  CHECK(p.scan.view()->segments[0].inode != before[0].inode);
  CHECK(p.scan.view()->segments[0].size == p.files.size(0));
  CHECK(p.scan.view()->segments[0].end_offset == 26);
  CHECK(p.scan.view()->log_start == 0);
  check_same(*p.scan.view(), p.look_anew());
}

TEST_CASE("the end is looked for from the last usable index entry on", "[partition-scan]") {
  Partition p;
  std::string bytes, index;
  std::vector<std::uint64_t> begins;
  for (int i = 0; i != 30; ++i) {
    begins.push_back(bytes.size());
    bytes += some_batch(100 + 10 * i, 10, 100);
    if (i % 3 == 2) index += index_entry(10 * i + 9, static_cast<std::int32_t>(begins.back()));
  }
  p.files.append(100, bytes);
  const auto check_end = [&](std::int64_t end) { CHECK(p.look_anew().end == end); };
  const auto set_index = [&](const std::string& text) {
    p.files.write(file_of(100, FileKind::kOffsetIndex), text);
  };

  check_end(400);
  set_index(index);
  check_end(400);
  set_index(index + std::string(4096, '\0'));  // a live one
  check_end(400);
  set_index(index + "abc");
  check_end(400);
  set_index(std::string(800, '\0'));
  check_end(400);
  set_index(std::string(800, '\xff'));
  check_end(400);
  set_index(index + index_entry(400, static_cast<std::int32_t>(bytes.size() + 5000)));  // ahead of the log
  check_end(400);
  set_index(index_entry(99, 777));  // not where a batch begins
  check_end(400);

  // Behind the last entry checksums are right, or the log ends; in front of it nobody looks.
  set_index(index);
  p.files.write_at(100, begins[10] + 100, "x");
  check_end(400);
  p.files.append(100, some_batch(400, 10) + some_batch(410, 10));
  check_end(420);
  p.files.write_at(100, p.files.size(100) - 5, "x");
  check_end(410);
  CHECK(p.look_anew(true).end == 420);  // whoever wrote it stopped in order

  // The last entry's own batch is wrong, or torn: the one before tells.
  p.files.resize(100, bytes.size());
  p.files.write_at(100, begins[29] + 100, "x");
  check_end(390);
  p.files.resize(100, begins[29] + 70);
  check_end(390);
  p.files.resize(100, begins[26] + 70);
  check_end(360);
}

TEST_CASE("preallocated room and rubbish are no batches", "[partition-scan]") {
  Partition p;
  const std::string room(8192, '\0');
  p.files.append(0, some_batch(0, 5));
  const std::uint64_t end = p.files.size(0);
  p.files.append(0, room);
  CHECK(p.look().end == 5);
  CHECK(p.scan.view()->segments[0].size == end);
  // The file does not grow. Of a batch that is being written the head may be there before the rest.
  const std::string batch = some_batch(5, 5, 100);
  p.files.write_at(0, end, std::string_view(batch).substr(0, 70));
  CHECK_FALSE(p.grew());
  check_same(*p.scan.view(), p.look_anew());
  p.files.write_at(0, end, batch);
  CHECK(p.grow().end == 10);
  CHECK(p.scan.view()->segments[0].size == end + batch.size());
  check_same(*p.scan.view(), p.look_anew());

  p.files.append(10, some_batch(10, 5));
  const std::uint64_t whole = p.files.size(10);
  p.files.append(10, std::string(200, '\xee'));
  p.files.append(15, some_batch(15, 5));
  CHECK(p.look().end == 20);
  CHECK(p.scan.view()->segments[1].size == whole);  // not the last one any more, and cut all the same
  // Offsets that go back are no batch's.
  p.files.append(15, some_batch(7, 1));
  CHECK_FALSE(p.grew());
  check_same(*p.scan.view(), p.look_anew());
}

TEST_CASE("the last stable offset stands before the oldest open transaction", "[partition-scan]") {
  Partition p;
  const auto step = [&](const std::string& batch, std::int64_t end, std::int64_t stable) {
    p.files.append(0, batch);
    const PartitionView& view = p.grow();
    CHECK(view.end == end);
    CHECK(view.last_stable == stable);
    check_same(view, p.look_anew());
  };
  p.files.append(0, some_batch(0, 2));
  CHECK(p.look().last_stable == 2);
  step(in_transaction(some_batch(2, 3), 7), 5, 2);  // 7 opens
  step(some_batch(5, 1), 6, 2);                     // no transaction
  step(in_transaction(some_batch(6, 2), 8), 8, 2);  // 8 opens
  step(in_transaction(some_batch(8, 1), 7), 9, 2);
  step(changed(some_batch(9, 1), [](BatchHead& head) { head.producer_id = 9; }), 10, 2);  // only idempotent
  step(marker(10, 7, kCommit), 11, 6);
  step(in_transaction(some_batch(11, 1), 7), 12, 6);  // 7 opens the next one
  step(marker(12, 8, kAbort), 13, 11);
  REQUIRE(p.scan.view()->aborted.size() == 1);
  const AbortedTransaction aborted = p.scan.view()->aborted[0];
  CHECK(aborted.producer_id == 8);
  CHECK(aborted.first_offset == 6);
  CHECK(aborted.last_offset == 12);
  CHECK(aborted.last_stable == 11);
  step(marker(13, 99, kAbort), 14, 11);  // of a transaction that wrote nothing here
  CHECK(p.scan.view()->aborted.size() == 1);
  step(marker(14, 7, kAbort), 15, 15);
  REQUIRE(p.scan.view()->aborted.size() == 2);
  CHECK(p.scan.view()->aborted[1].first_offset == 11);
  CHECK(p.scan.view()->aborted[1].last_stable == 15);

  // Cut back: the transaction is open again.
  p.files.resize(0, p.files.size(0) - marker(14, 7, kAbort).size());
  CHECK(p.grow().last_stable == 11);
  CHECK(p.scan.view()->aborted.size() == 1);
}

TEST_CASE("a producer snapshot spares the reading of what is before it", "[partition-scan]") {
  Partition p;
  const AbortedTransaction old{.producer_id = 5, .first_offset = 1, .last_offset = 3, .last_stable = 4};
  p.files.append(0, some_batch(0, 1) + in_transaction(some_batch(1, 2), 5) + marker(3, 5, kAbort) +
                        in_transaction(some_batch(4, 2), 6));
  p.files.append(0, transaction_index_entry(old), FileKind::kTransactionIndex);
  p.files.append(6, some_batch(6, 4) + in_transaction(some_batch(10, 1), 8) + some_batch(11, 1));
  const auto set_snapshot = [&](std::int64_t offset, const std::string& text) {
    p.files.write(file_of(offset, FileKind::kSnapshot), text);
  };
  SECTION("none: only the last segment is read") {
    CHECK(p.look().last_stable == 10);
    CHECK(p.scan.view()->aborted.size() == 1);
  }
  SECTION("made at the roll") {
    set_snapshot(6, snapshot_of({{5, -1}, {6, 4}}));
    CHECK(p.look().last_stable == 4);
    p.files.append(6, marker(12, 6, kCommit));
    CHECK(p.grow().last_stable == 10);
    p.files.append(6, marker(13, 8, kAbort));
    p.files.append(6, transaction_index_entry({8, 10, 13, 14}), FileKind::kTransactionIndex);
    CHECK(p.grow().last_stable == 14);
    REQUIRE(p.look_anew().aborted.size() == 2);  // each once, though it stands in the log and in the index
    CHECK(p.fresh->view()->aborted[1].producer_id == 8);
  }
  SECTION("made at the end, by a broker that stopped") {
    set_snapshot(6, snapshot_of({}));
    set_snapshot(12, snapshot_of({{6, 4}, {8, 10}}));
    CHECK(p.look().last_stable == 4);
  }
  SECTION("in the middle of a segment") {
    set_snapshot(10, snapshot_of({{6, 4}}));
    CHECK(p.look().last_stable == 4);
    p.files.append(6, marker(12, 6, kCommit));
    CHECK(p.look_anew().last_stable == 10);
  }
  SECTION("before the last segments") {
    set_snapshot(4, snapshot_of({{5, -1}}));
    CHECK(p.look().last_stable == 4);
  }
  SECTION("broken ones and those from beyond the end are passed over") {
    set_snapshot(50, snapshot_of({}));
    std::string broken = snapshot_of({{6, 4}});
    broken.back() ^= 1;
    set_snapshot(12, broken);
    set_snapshot(11, snapshot_of({}).substr(0, 9));
    set_snapshot(10, "");
    set_snapshot(6, snapshot_of({{6, 4}}));
    CHECK(p.look().last_stable == 4);
  }
  // What is below the log's start is forgotten.
  std::filesystem::remove(p.files.file(0));
  CHECK(p.look().log_start == 6);
  for (const AbortedTransaction& each : p.scan.view()->aborted) CHECK(each.last_offset >= 6);
}

TEST_CASE("the transactions of a long log are found out a piece at a time", "[partition-scan]") {
  Partition p;
  p.files.append(0, "");
  CHECK(p.look().last_stable == 0);
  const auto append = [&](std::int64_t segment, std::int64_t from, std::int64_t before) {
    std::string bytes;
    for (std::int64_t offset = from; offset != before; ++offset) {
      if (offset % 100 == 7) {
        bytes += in_transaction(some_batch(offset, 1), 1 + offset / 100 % 3);
      } else if (offset % 100 == 57) {
        bytes += marker(offset, 1 + offset / 100 % 3, offset / 100 % 2 == 0);
      } else {
        bytes += some_batch(offset, 1);
      }
    }
    p.files.append(segment, bytes);
    return p.look().end;  // it has seen all of it, from the beginning
  };
  CHECK(append(0, 0, 3000) == 3000);
  std::int64_t stable = p.look_anew().last_stable;
  PartitionScan& late = *p.fresh;
  CHECK(late.behind());
  CHECK(late.view()->end == 3000);
  CHECK(stable < 3000);
  const auto catch_up = [&](int pieces, std::size_t batches) {
    for (; pieces != 0 && late.behind(); --pieces) {
      CHECK(late.catch_up(batches).error == 0);
      CHECK(late.view()->last_stable >= stable);
      CHECK(late.view()->last_stable <= p.scan.view()->last_stable);
      stable = late.view()->last_stable;
    }
  };
  catch_up(5, 70);
  CHECK(late.behind());
  // Meanwhile the log grows and rolls.
  CHECK(append(0, 3000, 3010) == 3010);
  CHECK(late.look_for_growth().changed);
  CHECK(append(3010, 3010, 4120) == 4120);
  CHECK(late.look().changed);
  CHECK(late.view()->end == 4120);
  catch_up(1000, 33);
  CHECK_FALSE(late.behind());
  CHECK(late.view()->last_stable == 4107);
  check_same(*p.scan.view(), *late.view());
  CHECK(append(3010, 4120, 4200) == 4200);
  CHECK(late.look_for_growth().changed);
  CHECK_FALSE(late.behind());
  check_same(*p.scan.view(), *late.view());
}

TEST_CASE("deleted records are gone, even where a segment still has them", "[partition-scan]") {
  Partition p;
  p.scan.set_log_start(3);
  p.files.append(0, some_batch(0, 5));
  CHECK(p.look().log_start == 3);
  CHECK(p.scan.set_log_start(4));
  CHECK_FALSE(p.scan.set_log_start(4));
  CHECK(p.scan.view()->log_start == 4);
  p.scan.set_log_start(1000);
  CHECK(p.scan.view()->log_start == 5);
}

TEST_CASE("a topic's id is what partition.metadata tells; another one is another topic", "[partition-scan]") {
  Partition p;
  p.files.append(0, some_batch(0, 5));
  p.look();
  CHECK(p.scan.topic_id() == Uuid{});
  p.files.set_id(1);
  CHECK(p.scan.look().changed);
  CHECK(p.scan.topic_id()[0] == 1);
  CHECK_FALSE(p.scan.look().changed);
  std::filesystem::remove_all(p.files.path());
  std::filesystem::create_directory(p.files.path());
  p.files.append(0, some_batch(0, 5));
  p.files.set_id(2);
  CHECK(p.scan.look().changed);
  CHECK(p.scan.topic_id()[0] == 2);
}

TEST_CASE("a partition that can't be read stays as it was", "[partition-scan]") {
  Partition p;
  p.files.append(0, some_batch(0, 5));
  const PartitionViewPtr before = (p.look(), p.scan.view());
  std::filesystem::create_directory(p.files.file(5));
  CHECK(p.scan.look().error == EINVAL);
  CHECK(p.scan.view() == before);
  std::filesystem::remove(p.files.file(5));
  p.files.append(0, some_batch(5, 1));
  CHECK(p.look().end == 6);

  // A FIFO must not hold us.
  REQUIRE(::mkfifo(p.files.file(6).c_str(), 0644) == 0);
  CHECK(p.scan.look().error == EINVAL);
  {
    PartitionScan fresh(p.files.path(), {.topic = "t", .index = 3});
    CHECK(fresh.look().error == EINVAL);
    CHECK(fresh.view() == nullptr);
  }
}

TEST_CASE("what is no partition's directory", "[partition-scan]") {
  const testing::ScratchDirectory root;
  PartitionScan scan(root.write("t-0", "a file"), {.topic = "t", .index = 0});
  CHECK_FALSE(scan.look().changed);
  CHECK(scan.look().error == 0);
}
