#include "log/batch.h"

#include <random>

#include "catch.h"
#include "log/batches.h"
#include "log/written_by_others.h"

using namespace sluice;
using log::BatchHead;
using log::Scan;

namespace {
Scan scan(std::string_view bytes) {
  BatchHead head;
  return log::read_head(bytes, bytes.size(), head);
}
}  // namespace

TEST_CASE("CRC-32C has the values of RFC 3720, in hardware and by tables", "[log]") {
  const std::string zeros(32, '\0'), ones(32, '\xff');
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  const std::string falling(rising.rbegin(), rising.rend());
  for (const auto crc : {&log::crc32c, &log::crc32c_by_tables}) {
    CHECK(crc(zeros, 0) == 0x8a9136aa);
    CHECK(crc(ones, 0) == 0x62a8ab43);
    CHECK(crc(rising, 0) == 0x46dd794e);
    CHECK(crc(falling, 0) == 0x113fdb5c);
    CHECK(crc("123456789", 0) == 0xe3069283);
    CHECK(crc("", 0) == 0);
    for (std::size_t cut = 0; cut <= rising.size(); ++cut) {
      const std::string_view all = rising;
      CHECK(crc(all.substr(cut), crc(all.substr(0, cut), 0)) == 0x46dd794e);
    }
  }
}

TEST_CASE("CRC-32C is the same in hardware and by tables, whatever the size and place", "[log]") {
  std::mt19937 random(5);
  std::string bytes(5000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  for (std::size_t size = 0; size < 80; ++size) {
    const std::string_view part = std::string_view(bytes).substr(random() % 100, size);
    CHECK(log::crc32c(part, static_cast<std::uint32_t>(size)) ==
          log::crc32c_by_tables(part, static_cast<std::uint32_t>(size)));
  }
  CHECK(log::crc32c(bytes) == log::crc32c_by_tables(bytes));
}

TEST_CASE("the heads of batches that Java wrote, of every magic and codec", "[log]") {
  for (const auto& written : testing::kWrittenByJava) {
    CAPTURE(written.magic, static_cast<int>(written.codec));
    const std::string bytes = testing::from_hex(written.hex);
    BatchHead head;
    REQUIRE(log::read_head(bytes, bytes.size(), head) == Scan::kBatch);
    CHECK(head.magic == written.magic);
    CHECK(head.codec() == written.codec);
    CHECK_FALSE(head.log_append_time());
    CHECK_FALSE(head.transactional());
    CHECK_FALSE(head.control());
    if (written.magic < 2 && written.codec == log::Codec::kNone) continue;  // three entries
    CHECK(head.size() == bytes.size());
    CHECK(head.last_offset() == 1002);
    CHECK(head.max_timestamp == (written.magic == 0 ? log::kNoTimestamp : testing::kJavaTime + 5));
    if (written.magic == 2) {
      CHECK(head.base_offset == 1000);
      CHECK(head.records == 3);
      CHECK(head.leader_epoch == -1);
      CHECK(head.base_timestamp == testing::kJavaTime);
      CHECK(head.producer_id == -1);
      CHECK(head.producer_epoch == -1);
      CHECK(head.base_sequence == -1);
    }
  }
}

TEST_CASE("a batch is right, and no longer when a byte is changed", "[log]") {
  std::vector<std::string> batches = {testing::from_hex(testing::kWrittenByPython),
                                      testing::some_batch(7, 3)};
  for (const auto& written : testing::kWrittenByJava)
    if (written.magic == 2 || written.codec != log::Codec::kNone)
      batches.push_back(testing::from_hex(written.hex));
  for (std::string& batch : batches) {
    const BatchHead head = testing::head_of(batch);
    CHECK(log::crc_is_right(head, batch));
    CHECK_FALSE(log::crc_is_right(head, std::string_view(batch).substr(0, batch.size() - 1)));
    CHECK_FALSE(log::crc_is_right(head, batch + "x"));
    // Not covered: offset, length, leader epoch and magic; of the older ones what stands before magic.
    for (std::size_t at = head.magic == 2 ? 21 : 16; at < batch.size(); ++at) {
      batch[at] = static_cast<char>(batch[at] ^ 1);
      CHECK_FALSE(log::crc_is_right(head, batch));
      batch[at] = static_cast<char>(batch[at] ^ 1);
    }
    BatchHead other = head;
    ++other.crc;
    CHECK_FALSE(log::crc_is_right(other, batch));
  }
  BatchHead nothing;
  CHECK_FALSE(log::crc_is_right(nothing, std::string(12, '\0')));
}

TEST_CASE("a head is written as it was read", "[log]") {
  BatchHead head{.base_offset = 0x0102030405060708,
                 .length = 49,
                 .leader_epoch = 0x11121314,
                 .crc = 0xf1f2f3f4,
                 .attributes = 0x0132,
                 .last_offset_delta = 0x21222324,
                 .base_timestamp = -2,
                 .max_timestamp = 0x3132333435363738,
                 .producer_id = 0x4142434445464748,
                 .producer_epoch = 0x5152,
                 .base_sequence = 0x61626364,
                 .records = 0x71727374};
  std::string bytes(log::kBatchHead, '\0');
  log::write_head(head, std::span<char, log::kBatchHead>(bytes.data(), log::kBatchHead));
  CHECK(bytes ==
        testing::from_hex(
            "0102030405060708000000311112131402f1f2f3f4013221222324fffffffffffffffe313233343536373841424344"
            "4546474851526162636471727374"));
  BatchHead again;
  REQUIRE(log::read_head(bytes, bytes.size(), again) == Scan::kBatch);
  std::string twice(log::kBatchHead, '\0');
  log::write_head(again, std::span<char, log::kBatchHead>(twice.data(), log::kBatchHead));
  CHECK(twice == bytes);
  CHECK(again.transactional());
  CHECK(again.control());
  CHECK(again.codec() == log::Codec::kSnappy);
}

TEST_CASE("a batch that is cut anywhere is torn", "[log]") {
  for (const auto& written : testing::kWrittenByJava) {
    const std::string bytes = testing::from_hex(written.hex);
    const std::size_t size = testing::head_of(bytes).size();
    for (std::size_t cut = 1; cut < size; ++cut) CHECK(scan(bytes.substr(0, cut)) == Scan::kTorn);
    CHECK(scan(bytes) == Scan::kBatch);
    // The head is at hand, and the file ends before the batch does.
    BatchHead head;
    CHECK(log::read_head(bytes, size - 1, head) == Scan::kTorn);
    CHECK(log::read_head(std::string_view(bytes).substr(0, 61), size, head) == Scan::kBatch);
  }
}

TEST_CASE("what no batch begins with", "[log]") {
  const std::string good = testing::some_batch(5, 2);
  const auto with = [&](std::size_t at, std::string_view hex) {
    const std::string bytes = testing::from_hex(hex);
    std::string other = good;
    return other.replace(at, bytes.size(), bytes);
  };
  CHECK(scan("") == Scan::kEnd);
  CHECK(scan(std::string(12, '\0')) == Scan::kEnd);
  CHECK(scan(std::string(4096, '\0')) == Scan::kEnd);
  CHECK(scan(std::string(11, '\0')) == Scan::kTorn);
  CHECK(scan(good) == Scan::kBatch);
  CHECK(scan(with(0, "ffffffffffffffff")) == Scan::kCorrupt);  // a negative offset
  CHECK(scan(with(0, "7fffffffffffffff")) == Scan::kCorrupt);  // there is none behind it
  CHECK(scan(with(8, "00000000")) == Scan::kCorrupt);
  CHECK(scan(with(8, "ffffffff")) == Scan::kCorrupt);
  CHECK(scan(with(8, "00000030")) == Scan::kCorrupt);  // 48: shorter than a head
  CHECK(scan(with(8, "7fffffff")) == Scan::kTorn);
  CHECK(scan(with(16, "03")) == Scan::kCorrupt);
  CHECK(scan(with(16, "ff")) == Scan::kCorrupt);
  CHECK(scan(with(23, "ffffffff")) == Scan::kCorrupt);
  CHECK(scan(with(57, "ffffffff")) == Scan::kCorrupt);
  for (const auto& written : testing::kWrittenByJava) {
    if (written.magic == 2) continue;
    std::string old = testing::from_hex(written.hex);
    old[11] = written.magic == 0 ? 13 : 21;
    CHECK(scan(old) == Scan::kCorrupt);
  }
}
