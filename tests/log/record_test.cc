#include "log/record.h"

#include <limits>
#include <random>

#include "catch.h"
#include "log/batches.h"
#include "log/written_by_others.h"

using namespace sluice;
using log::BatchBuilder;
using log::BatchHead;
using log::Codec;
using log::Record;
using log::RecordReader;

namespace {

struct Kept {  // a record that owns what it has
  std::int64_t offset, timestamp;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  bool operator==(const Kept&) const = default;
};

Kept keep(const Record& record) {
  Kept kept{record.offset, record.timestamp, {}, {}, {}};
  if (record.key) kept.key = *record.key;
  if (record.value) kept.value = *record.value;
  for (const auto& [key, value] : record.headers)
    kept.headers.emplace_back(key, value ? std::optional<std::string>(*value) : std::nullopt);
  return kept;
}

struct All {
  std::vector<Kept> records;
  std::string_view failure;  // empty: none
};

// Of all batches in `bytes`.
All read_all(std::string_view bytes, std::size_t limit = RecordReader::kMost) {
  All all;
  RecordReader reader;
  Record record;
  while (!bytes.empty()) {
    BatchHead head;
    if (log::read_head(bytes, bytes.size(), head) != log::Scan::kBatch) {
      all.failure = "no batch";
      return all;
    }
    reader.begin(head, bytes.substr(0, head.size()), limit);
    while (reader.next(record)) all.records.push_back(keep(record));
    all.failure = reader.failure();
    CHECK(reader.failed() == !all.failure.empty());
    CHECK_FALSE(reader.next(record));
    if (reader.failed()) break;
    bytes.remove_prefix(head.size());
  }
  return all;
}

std::string without(std::string_view batch, std::size_t behind) {  // cut, and sealed again
  return log::sealed(testing::head_of(batch), batch.substr(log::kBatchHead, behind));
}

}  // namespace

TEST_CASE("records that Java wrote, in every magic and codec", "[log]") {
  for (const auto& written : testing::kWrittenByJava) {
    CAPTURE(written.magic, static_cast<int>(written.codec));
    const All all = read_all(testing::from_hex(written.hex));
    CHECK(all.failure == "");
    const std::string value(testing::kJavaValue);
    const auto time = [&](std::int64_t more) { return written.magic == 0 ? -1 : testing::kJavaTime + more; };
    CHECK(all.records == std::vector<Kept>{{1000, time(0), "k0", value, {}},
                                           {1001, time(5), std::nullopt, value, {}},
                                           {1002, time(0), "k2", std::nullopt, {}}});
  }
}

TEST_CASE("records that python3-kafka wrote, with headers and a time before the first", "[log]") {
  const std::string bytes = testing::from_hex(testing::kWrittenByPython);
  const std::int64_t time = 1700000000000;
  CHECK(read_all(bytes).records ==
        std::vector<Kept>{{0, time, "k", "value", {{"h", "x"}, {"n", std::nullopt}}},
                          {1, time + 5, std::nullopt, "vvv", {}},
                          {2, time - 1, "z", std::nullopt, {}}});

  BatchBuilder builder;
  builder.add(time, "k", "value", {{.key = "h", .value = "x"}, {.key = "n", .value = std::nullopt}});
  builder.add(time + 5, std::nullopt, "vvv");
  builder.add(time - 1, "z", std::nullopt);
  CHECK(builder.finish(0, 0) == bytes);
}

TEST_CASE("a batch of ours holds what was added, in every codec", "[log]") {
  const Codec codec = GENERATE(Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd);
  BatchBuilder builder(codec);
  std::vector<Kept> added;
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    Kept record{40 + i, 1000 + static_cast<std::int64_t>(random() % 100), {}, {}, {}};
    if (random() % 3 != 0) record.key = std::string(random() % 70, 'k');
    if (random() % 5 != 0) record.value = std::string(random() % 3000, static_cast<char>(random()));
    for (auto h = random() % 3; h > 0; --h)
      record.headers.emplace_back("h" + std::to_string(h), std::nullopt);
    std::vector<log::Header> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({.key = key, .value = value});
    builder.add(record.timestamp, record.key, record.value, headers);
    added.push_back(record);
    CHECK(builder.count() == i + 1);
  }
  const std::string batch = builder.finish(40, 7);
  CHECK(builder.count() == 0);
  CHECK(builder.size() == 0);

  const BatchHead head = testing::head_of(batch);
  CHECK(log::crc_is_right(head, batch));
  CHECK(head.size() == batch.size());
  CHECK(head.base_offset == 40);
  CHECK(head.last_offset() == 539);
  CHECK(head.records == 500);
  CHECK(head.leader_epoch == 7);
  CHECK(head.codec() == codec);
  CHECK(head.base_timestamp == added[0].timestamp);
  CHECK(head.max_timestamp == 1099);
  CHECK(read_all(batch).records == added);
  CHECK(read_all(batch).failure == "");

  // The builder begins anew.
  builder.add(5, "a", "b");
  const std::string next = builder.finish(540, 7);
  CHECK(read_all(next).records == std::vector<Kept>{{540, 5, "a", "b", {}}});
  CHECK(testing::head_of(next).max_timestamp == 5);
}

TEST_CASE("numbers at the ends of their ranges", "[log]") {
  const std::int64_t far = std::numeric_limits<std::int64_t>::max() / 2;
  BatchBuilder builder;
  for (const std::int64_t time : {far, -far, std::int64_t{0}, std::int64_t{-1}}) builder.add(time, "", "");
  const All all = read_all(builder.finish(0, 0));
  REQUIRE(all.records.size() == 4);
  CHECK(all.records[0].timestamp == far);
  CHECK(all.records[1].timestamp == -far);
  CHECK(all.records[3].timestamp == -1);
  CHECK(all.records[2].key == "");
}

TEST_CASE("log append time is the time of all records", "[log]") {
  const std::string batch = testing::changed(testing::some_batch(10, 3), [](BatchHead& head) {
    head.attributes |= 8;
    head.max_timestamp = 99;
  });
  for (const Kept& record : read_all(batch).records) CHECK(record.timestamp == 99);
}

TEST_CASE("a batch that compaction emptied has no records, and one with gaps keeps its offsets", "[log]") {
  const std::string batch = testing::some_batch(10, 3);
  const std::string emptied =
      testing::changed(batch.substr(0, log::kBatchHead).replace(8, 4, testing::from_hex("00000031")),
                       [](BatchHead& head) { head.records = 0; });
  CHECK(testing::head_of(emptied).last_offset() == 12);
  CHECK(read_all(emptied).records.empty());
  CHECK(read_all(emptied).failure == "");

  const std::size_t first = 1 + static_cast<std::size_t>(batch[log::kBatchHead] >> 1);
  const std::string gap = log::sealed(
      [&] {
        BatchHead head = testing::head_of(batch);
        head.records = 2;
        return head;
      }(),
      std::string_view(batch).substr(log::kBatchHead + first));
  const All all = read_all(gap);
  REQUIRE(all.records.size() == 2);
  CHECK(all.records[0].offset == 11);
}

TEST_CASE("records that are cut anywhere are refused, and so are bytes behind the last", "[log]") {
  BatchBuilder builder;
  builder.add(1, "key", "value", {{.key = "h", .value = "x"}});
  builder.add(2, "key", "value");
  const std::string batch = builder.finish(0, 0);
  for (std::size_t size = 0; size < batch.size() - log::kBatchHead; ++size)
    CHECK(read_all(without(batch, size)).failure == "a record can't be read");
  CHECK(read_all(log::sealed(testing::head_of(batch), batch.substr(log::kBatchHead) + "x")).failure ==
        "bytes follow the last record");

  BatchHead head = testing::head_of(batch);
  RecordReader reader;
  Record record;
  for (std::size_t size = 0; size < batch.size(); ++size) {
    reader.begin(head, std::string_view(batch).substr(0, size));
    CHECK(reader.failure() == "the batch is not whole");
    CHECK_FALSE(reader.next(record));
  }
}

TEST_CASE("records that lie about themselves are refused", "[log]") {
  const auto failure = [](std::string_view records_hex, std::int32_t last_delta = 0) {
    BatchHead head;
    head.records = 1;
    head.last_offset_delta = last_delta;
    return read_all(log::sealed(head, testing::from_hex(records_hex))).failure;
  };
  // length, attributes, time, offset, key, value, headers
  CHECK(failure("0c000000010100") == "");
  CHECK(failure("0c000000010100ff") == "bytes follow the last record");
  CHECK(failure("0a000000010100") == "a record can't be read");          // shorter than its fields
  CHECK(failure("0e00000001010000") == "a record can't be read");        // longer
  CHECK(failure("00") == "a record can't be read");                      // nothing at all
  CHECK(failure("01000000010100") == "a record can't be read");          // -1
  CHECK(failure("ffffffffffffffffffff01") == "a record can't be read");  // no number ends here
  CHECK(failure("0c000002010100") == "a record can't be read");          // beyond its batch
  CHECK(failure("0c000002010100", 1) == "");
  CHECK(failure("0c000001010100") == "a record can't be read");  // before it
  CHECK(failure("0c000000030100") == "a record can't be read");  // a key of -2
  CHECK(failure("0c000000080100") == "a record can't be read");  // of 4
  CHECK(failure("0c000000010101") == "a record can't be read");  // -1 headers
  CHECK(failure("1000000001010201"
                "01") == "a record can't be read");  // a header without a name
  CHECK(failure("1000000001010200"
                "01") == "");
  CHECK(failure("0c0000000101fe") == "a record can't be read");
}

TEST_CASE("compressed batches are bounded, and must be what they say", "[log]") {
  const std::string batch = testing::some_batch(0, 1000, 100, Codec::kGzip);
  CHECK(read_all(batch).records.size() == 1000);
  CHECK(read_all(batch, 50000).failure == "it is larger than allowed");
  const std::string other = testing::changed(batch, [](BatchHead& head) { head.attributes = 4; });
  CHECK(read_all(other).failure == "it is no zstd");
  const std::string unknown = testing::changed(batch, [](BatchHead& head) { head.attributes = 5; });
  CHECK(read_all(unknown).failure == "no such codec");
}

TEST_CASE("older sets: what is cut inside, nested or beyond its place is refused", "[log]") {
  for (const auto& written : testing::kWrittenByJava) {
    if (written.magic == 2) continue;
    const std::string good = testing::from_hex(written.hex);
    const BatchHead head = testing::head_of(good);
    RecordReader reader;
    Record record;
    for (std::size_t cut = log::kCommonHead; cut < head.size(); ++cut) {
      BatchHead shorter = head;
      shorter.length = static_cast<std::int32_t>(cut - log::kLengthHead);
      reader.begin(shorter, std::string_view(good).substr(0, cut));
      while (reader.next(record)) continue;
      CHECK(reader.failed());
    }
    if (written.codec == Codec::kNone) continue;
    std::string nested = good;  // says of itself that it is not compressed: then it is one record
    nested[17] = 0;
    CHECK(read_all(nested).records.size() == 1);
    std::string low = good;  // the set's offset is the last of its records
    low.replace(0, 8, testing::from_hex("0000000000000001"));
    CHECK_FALSE(read_all(low).failure.empty());
  }
}
