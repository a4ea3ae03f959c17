#include "log/index.h"

#include <limits>

#include "catch.h"
#include "log/segment_files.h"
#include "log/written_by_others.h"

using namespace sluice;
using log::OffsetIndex;
using log::TimeIndex;

namespace {
OffsetIndex index_of(std::string_view bytes, std::uint64_t log_size = 1 << 30) {
  OffsetIndex index;
  index.extend(bytes, log_size);
  return index;
}
const std::string kThree = testing::from_hex("00000005000010000000000900002000000000200000ffff");
}  // namespace

TEST_CASE("an index ends where its zeros begin, or at the log's end", "[log]") {
  CHECK(index_of("").entries() == 0);
  CHECK(index_of(kThree).entries() == 3);
  CHECK(index_of(kThree + std::string(10 * 1024 * 1024, '\0')).entries() == 3);
  CHECK(index_of(kThree.substr(0, 23)).entries() == 2);
  CHECK(index_of(kThree, 0xffff).entries() == 2);
  CHECK(index_of(kThree, 0x10000).entries() == 3);
  CHECK(index_of(kThree, 0).entries() == 0);
  CHECK_FALSE(index_of(kThree, 0).implausible());
  CHECK(index_of(std::string(4096, '\0')).entries() == 0);
}

TEST_CASE("what is no index has no entries", "[log]") {
  for (const std::string_view more : {"0000002000020000",  // the same offset
                                      "000000210000ffff",  // the same position
                                      "0000001f00020000", "0000002100000001",
                                      "ffffffff00020000",  // negative
                                      "0000000000020000", "0000002100000000"}) {
    const std::string bytes = kThree + testing::from_hex(more);
    const OffsetIndex index = index_of(bytes);
    CHECK(index.implausible());
    CHECK(index.entries() == 0);
    CHECK(index.at_most(100).position == 0);
    CHECK(index.below(100000).position == 0);
  }
  CHECK(index_of(testing::from_hex("0000000700000000")).implausible());
  CHECK(index_of(testing::from_hex("ffffffff00001000")).implausible());
}

TEST_CASE("an index that grows is read on, not anew", "[log]") {
  std::string bytes(64, '\0');
  OffsetIndex index;
  index.extend(bytes, 1 << 20);
  CHECK(index.entries() == 0);
  bytes.replace(0, 16, kThree, 0, 16);
  index.extend(bytes, 1 << 20);
  CHECK(index.entries() == 2);
  bytes.replace(0, 24, kThree);
  index.extend(bytes, 0x9000);
  CHECK(index.entries() == 2);
  index.extend(bytes, 1 << 20);
  CHECK(index.entries() == 3);
  CHECK(index.last().position == 0xffff);
}

TEST_CASE("entries around an offset or a position", "[log]") {
  const OffsetIndex index = index_of(kThree);
  CHECK(index.at_most(4).position == 0);
  CHECK(index.at_most(4).offset == -1);
  CHECK(index.at_most(5).position == 0x1000);
  CHECK(index.at_most(8).position == 0x1000);
  CHECK(index.at_most(9).position == 0x2000);
  CHECK(index.at_most(31).position == 0x2000);
  CHECK(index.at_most(std::numeric_limits<std::int64_t>::max()).position == 0xffff);
  CHECK(index.at_most(-7).position == 0);
  CHECK(index.below(0x1000).position == 0);
  CHECK(index.below(0x1001).position == 0x1000);
  CHECK(index.below(1 << 30).position == 0xffff);
  const std::string far = testing::from_hex("7fffffff80000000");
  CHECK(index_of(far, 1ull << 32).last().position == 0x80000000);
}

TEST_CASE("look-ups in an index are those of a naive scan", "[log]") {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    testing::MadeSegment made(0);
    std::vector<OffsetIndex::Entry> entries;
    OffsetIndex::Entry last{0, 0};
    for (auto count = random() % 40; count > 0; --count) {
      last.offset += 1 + static_cast<std::int64_t>(random() % 9);
      last.position += 1 + random() % 9;
      made.add_to_index(last.offset, last.position);
      entries.push_back(last);
    }
    made.index.append(random() % 3 * 8, '\0');
    const OffsetIndex index = index_of(made.index);
    REQUIRE(index.entries() == entries.size());
    for (std::int64_t x = 0; x < 400; ++x) {
      OffsetIndex::Entry at_most, below;
      for (const auto& entry : entries) {
        if (entry.offset <= x) at_most = entry;
        if (entry.position < static_cast<std::uint64_t>(x)) below = entry;
      }
      REQUIRE(index.at_most(x).position == at_most.position);
      REQUIRE(index.at_most(x).offset == at_most.offset);
      REQUIRE(index.below(static_cast<std::uint64_t>(x)).position == below.position);
    }
  }
}

TEST_CASE("the time index", "[log]") {
  testing::MadeSegment made(100);
  made.add_to_time_index(50, 103);
  made.add_to_time_index(60, 107);
  made.add_to_time_index(61, 107);
  const TimeIndex index(made.time_index);
  CHECK(index.entries() == 3);
  CHECK(index.last()->timestamp == 61);
  CHECK(index.last()->offset == 7);
  CHECK_FALSE(index.below(50));
  CHECK(index.below(51)->offset == 3);
  CHECK(index.below(60)->offset == 3);
  CHECK(index.below(61)->timestamp == 60);
  CHECK(index.below(1000)->timestamp == 61);
  CHECK(TimeIndex(made.time_index + std::string(1200, '\0')).entries() == 3);
  CHECK(TimeIndex(made.time_index + "x").entries() == 0);
  CHECK(TimeIndex("").entries() == 0);
  CHECK_FALSE(TimeIndex("").last());
  made.add_to_time_index(61, 109);
  CHECK(TimeIndex(made.time_index).entries() == 0);
  testing::MadeSegment back(0);
  back.add_to_time_index(1, 5);
  back.add_to_time_index(2, 4);
  CHECK(TimeIndex(back.time_index).entries() == 0);
}

TEST_CASE("aborted transactions", "[log]") {
  const std::string one =
      testing::from_hex("0000000000000000000700000000000000100000000000000020000000000000000f");
  const std::string two =
      testing::from_hex("0000000000000000000800000000000000120000000000000021000000000000001f");
  const auto found = log::read_transaction_index(one + two);
  REQUIRE(found.size() == 2);
  CHECK(found[0].producer_id == 7);
  CHECK(found[0].first_offset == 16);
  CHECK(found[0].last_offset == 32);
  CHECK(found[0].last_stable == 15);
  CHECK(found[1].last_offset == 33);
  CHECK(log::read_transaction_index("").empty());
  CHECK(log::read_transaction_index(one + two.substr(0, 33)).size() == 1);
  CHECK(log::read_transaction_index(one + one).size() == 1);  // not ascending
  CHECK(log::read_transaction_index("\1" + one).empty());     // another version
  std::string backwards = one;
  backwards[25] = 1;
  CHECK(log::read_transaction_index(backwards).empty());
}
