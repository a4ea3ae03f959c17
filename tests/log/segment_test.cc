#include "log/segment.h"

#include "catch.h"
#include "log/segment_files.h"

using namespace sluice;
using log::Look;
using log::OffsetIndex;
using log::Place;
using log::SegmentLookup;
using log::Stretch;
using testing::MadeBatch;
using testing::MadeSegment;

namespace {

struct Segment {
  MadeSegment made;
  OffsetIndex index{};
  explicit Segment(MadeSegment segment) : made(std::move(segment)) {
    index.extend(made.index, made.log.size());
  }
  [[nodiscard]] SegmentLookup lookup(log::Pages* pages = nullptr) const {
    return {made.log, made.base, index, pages};
  }
};

// Says which heads were looked at, and holds some back.
struct CountingPages : log::Pages {
  int asked = 0;
  std::uint64_t cold = ~std::uint64_t{0};
  bool here(std::uint64_t position, std::size_t) override { return ++asked, position != cold; }
};

const MadeBatch* reaching_naively(const MadeSegment& made, std::int64_t offset) {
  for (const MadeBatch& batch : made.batches)
    if (batch.last >= offset) return &batch;
  return nullptr;
}

}  // namespace

TEST_CASE("look-ups in random segments are those of a naive scan, by every kind of index", "[log]") {
  const std::uint64_t interval = GENERATE(0u, 500u, 4096u, 1u << 30);
  std::mt19937 random(4711);
  for (int round = 0; round < 60; ++round) {
    MadeSegment made = testing::random_segment(random, 1000, 1 + static_cast<int>(random() % 60), 300);
    made.make_index(interval, random() % 2 * 80);
    const Segment segment(made);
    const SegmentLookup lookup = segment.lookup();
    for (std::int64_t offset = made.base - 2; offset < made.end_offset + 3; ++offset) {
      const Place place = lookup.reaching(offset);
      const MadeBatch* const naive = reaching_naively(made, offset);
      REQUIRE((place.look == Look::kFound) == (naive != nullptr));
      if (naive == nullptr) {
        REQUIRE(place.look == Look::kNone);
        continue;
      }
      REQUIRE(place.position == naive->position);
      REQUIRE(place.head.last_offset() == naive->last);
      for (int i = 0; i < 5; ++i) {
        const std::uint64_t limit =
            place.position + random() % (made.log.size() * 5 / 4 - place.position + 1);
        const std::int64_t before =
            offset +
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(made.end_offset + 5 - offset));
        std::uint64_t end = place.position;
        std::int64_t next = -1;
        for (const MadeBatch* batch = naive; batch != made.batches.data() + made.batches.size(); ++batch) {
          if (batch->position + batch->size > limit || batch->first >= before) break;
          end = batch->position + batch->size;
          next = batch->last + 1;
        }
        const Stretch stretch = lookup.fitting(place.position, limit, before);
        REQUIRE((stretch.look == Look::kFound) == (next != -1));
        if (next == -1) {
          REQUIRE(stretch.look == Look::kNone);
          continue;
        }
        REQUIRE(stretch.end == end);
        REQUIRE(stretch.next >= next);  // or the beginning of the next batch, where a gap is between
        if (stretch.next != next) REQUIRE(reaching_naively(made, next)->first == stretch.next);
      }
    }
  }
}

TEST_CASE("an index entry may stand for an append of several batches", "[log]") {
  MadeSegment made(0);
  for (std::int64_t offset = 0; offset < 40; offset += 2) made.add(testing::some_batch(offset, 2));
  // Appends of four batches: the entry has the last offset of all of them, and the position of the first.
  for (std::size_t i = 4; i < 20; i += 4)
    made.add_to_index(made.batches[i + 3].last, made.batches[i].position);
  const Segment segment(made);
  for (std::int64_t offset = 0; offset < 40; ++offset)
    CHECK(segment.lookup().reaching(offset).head.base_offset == offset / 2 * 2);
}

TEST_CASE("what compaction leaves: batches without records keep their last offset", "[log]") {
  MadeSegment made(0);
  made.add(testing::some_batch(0, 3));
  log::BatchHead emptied;
  emptied.base_offset = 3;
  emptied.last_offset_delta = 4;
  made.add(log::sealed(emptied, ""));
  made.add(testing::some_batch(8, 1));
  const Segment segment(made);
  CHECK(segment.lookup().reaching(5).head.base_offset == 3);
  CHECK(segment.lookup().fitting(0, made.log.size() - 1, 100).next == 8);
}

TEST_CASE("an index that lies is noticed", "[log]") {
  std::mt19937 random(1);
  MadeSegment made = testing::random_segment(random, 0, 40, 100);
  const MadeBatch& batch = made.batches[20];
  const auto look = [&](std::int64_t entry_offset, std::uint64_t entry_position) {
    made.index.clear();
    made.add_to_index(entry_offset, entry_position);
    return Segment(made).lookup().reaching(made.batches[25].first).look;
  };
  CHECK(look(batch.last, batch.position) == Look::kFound);
  CHECK(look(batch.last, batch.position + 1) == Look::kLying);
  CHECK(look(batch.last, batch.position - 12) == Look::kLying);
  CHECK(look(batch.first - 1, batch.position) == Look::kLying);  // would skip what lies before
  made.index.clear();
  made.add_to_index(batch.last, batch.position + 7);
  CHECK(Segment(made).lookup().fitting(0, made.batches[30].position, 1 << 30).look == Look::kLying);
}

TEST_CASE("batches before a corrupt place are still there", "[log]") {
  std::mt19937 random(2);
  MadeSegment made = testing::random_segment(random, 0, 30, 100);
  const MadeBatch broken = made.batches[17];
  made.log[broken.position + 16] = 9;  // a magic that is none
  const Segment segment(made);
  CHECK(segment.lookup().reaching(made.batches[16].first).look == Look::kFound);
  CHECK(segment.lookup().reaching(made.batches[17].first).look == Look::kCorrupt);
  CHECK(segment.lookup().reaching(made.batches[20].first).look == Look::kCorrupt);
  CHECK(segment.lookup().at(broken.position).look == Look::kCorrupt);
  const Stretch stretch = segment.lookup().fitting(0, made.log.size(), 1 << 30);
  CHECK(stretch.look == Look::kFound);
  CHECK(stretch.end == broken.position);
  CHECK(stretch.next == made.batches[16].last + 1);
  CHECK(segment.lookup().fitting(broken.position, made.log.size(), 1 << 30).look == Look::kCorrupt);
}

TEST_CASE("a head that is not here is asked for; one index entry's batches are all that is looked at",
          "[log]") {
  std::mt19937 random(3);
  MadeSegment made = testing::random_segment(random, 0, 2000, 20);
  made.make_index(1000);
  const Segment segment(made);
  CountingPages pages;
  CHECK(segment.lookup(&pages).reaching(made.batches[1500].first).look == Look::kFound);
  CHECK(pages.asked <= 20);
  CHECK(segment.lookup(&pages).fitting(0, made.log.size() / 2, 1 << 30).look == Look::kFound);
  CHECK(pages.asked <= 40);
  pages.cold = made.batches[1500].position;
  const Place place = segment.lookup(&pages).reaching(made.batches[1500].first);
  CHECK(place.look == Look::kCold);
  CHECK(place.position == pages.cold);
  const Stretch stretch = segment.lookup(&pages).fitting(0, pages.cold + 1, 1 << 30);
  CHECK(stretch.look == Look::kCold);
  CHECK(stretch.position == pages.cold);
}

TEST_CASE("a segment with hardly an index is gone through elsewhere, and has one then", "[log]") {
  std::string log;
  for (std::int64_t offset = 0; offset < 3 * SegmentLookup::kMostHeads; ++offset)
    log += testing::some_batch(offset, 1);
  OffsetIndex none;
  CountingPages pages;
  const SegmentLookup thin(log, 0, none, &pages);
  CHECK(thin.reaching(20000).look == Look::kFar);
  CHECK(thin.fitting(0, log.size() - 1, 1 << 30).look == Look::kFar);
  CHECK(SegmentLookup(log, 0, none).reaching(20000).look == Look::kFound);

  std::string entries;
  log::build_index(log, 0, entries);
  OffsetIndex built;
  built.extend(entries, log.size());
  CHECK(built.entries() > log.size() / 4300);
  CHECK(built.entries() < log.size() / 4000);
  const SegmentLookup full(log, 0, built, &pages);
  for (std::int64_t offset = 0; offset < 24576; offset += 97)
    REQUIRE(full.reaching(offset).head.base_offset == offset);

  // What there is already is kept, and only the rest is read.
  std::string half = entries.substr(0, entries.size() / 16 * 8);
  log::build_index(log, 0, half);
  CHECK(half == entries);
}
