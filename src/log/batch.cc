#include "log/batch.h"

#include <zlib.h>

#include <limits>

#include "base/big_endian.h"

namespace sluice::log {

namespace {

// Where the fields of magic 2 stand.
constexpr std::size_t kLength = 8, kLeaderEpoch = 12, kMagic = 16, kCrc = 17, kAttributes = 21,
                      kLastOffsetDelta = 23, kBaseTimestamp = 27, kMaxTimestamp = 35, kProducerId = 43,
                      kProducerEpoch = 51, kBaseSequence = 53, kRecords = 57;
// ... and those of magic 0 and 1 that differ.
constexpr std::size_t kOldCrc = 12, kOldAttributes = 17, kOldTimestamp = 18;

constexpr std::int64_t kMostOffset = std::numeric_limits<std::int64_t>::max();

struct Format {
  std::size_t head;       // bytes read_head() looks at
  std::int32_t smallest;  // length without key and value
};
// Magic 0: crc, magic, attributes, length of key, length of value. Magic 1 has a timestamp as well.
constexpr Format kFormats[] = {
    {18, 4 + 1 + 1 + 4 + 4}, {26, 4 + 1 + 1 + 8 + 4 + 4}, {kBatchHead, kSmallestLength}};

void read_old(const char* at, BatchHead& out) noexcept {
  out.leader_epoch = -1;
  out.crc = load_big_endian<std::uint32_t>(at + kOldCrc);
  out.attributes = load_big_endian<std::int8_t>(at + kOldAttributes);
  out.last_offset_delta = 0;
  out.base_timestamp = out.magic == 0 ? kNoTimestamp : load_big_endian<std::int64_t>(at + kOldTimestamp);
  out.max_timestamp = out.base_timestamp;
  out.producer_id = -1;
  out.producer_epoch = -1;
  out.base_sequence = -1;
  out.records = 1;
}

void read_new(const char* at, BatchHead& out) noexcept {
  out.leader_epoch = load_big_endian<std::int32_t>(at + kLeaderEpoch);
  out.crc = load_big_endian<std::uint32_t>(at + kCrc);
  out.attributes = load_big_endian<std::int16_t>(at + kAttributes);
  out.last_offset_delta = load_big_endian<std::int32_t>(at + kLastOffsetDelta);
  out.base_timestamp = load_big_endian<std::int64_t>(at + kBaseTimestamp);
  out.max_timestamp = load_big_endian<std::int64_t>(at + kMaxTimestamp);
  out.producer_id = load_big_endian<std::int64_t>(at + kProducerId);
  out.producer_epoch = load_big_endian<std::int16_t>(at + kProducerEpoch);
  out.base_sequence = load_big_endian<std::int32_t>(at + kBaseSequence);
  out.records = load_big_endian<std::int32_t>(at + kRecords);
}

}  // namespace

Scan read_head(std::string_view bytes, std::uint64_t available, BatchHead& out) noexcept {
  if (bytes.empty()) return Scan::kEnd;
  if (bytes.size() < kLengthHead) return Scan::kTorn;
  out.base_offset = load_big_endian<std::int64_t>(bytes.data());
  out.length = load_big_endian<std::int32_t>(bytes.data() + kLength);
  if (out.base_offset == 0 && out.length == 0) return Scan::kEnd;
  if (bytes.size() < kCommonHead) return Scan::kTorn;
  out.magic = load_big_endian<std::int8_t>(bytes.data() + kMagic);
  if (out.base_offset < 0 || out.magic < 0 || out.magic > 2) return Scan::kCorrupt;
  const Format& format = kFormats[out.magic];
  if (out.length < format.smallest) return Scan::kCorrupt;
  if (bytes.size() < format.head) return Scan::kTorn;
  if (out.magic == 2) {
    read_new(bytes.data(), out);
  } else {
    read_old(bytes.data(), out);
  }
  if (out.last_offset_delta < 0 || out.records < 0) return Scan::kCorrupt;
  // The offset behind the batch has to be a number, too.
  if (out.base_offset >= kMostOffset - out.last_offset_delta) return Scan::kCorrupt;
  return available < out.size() ? Scan::kTorn : Scan::kBatch;
}

void write_head(const BatchHead& head, std::span<char, kBatchHead> out) noexcept {
  char* const at = out.data();
  store_big_endian(at, head.base_offset);
  store_big_endian(at + kLength, head.length);
  store_big_endian(at + kLeaderEpoch, head.leader_epoch);
  store_big_endian(at + kMagic, head.magic);
  store_big_endian(at + kCrc, head.crc);
  store_big_endian(at + kAttributes, head.attributes);
  store_big_endian(at + kLastOffsetDelta, head.last_offset_delta);
  store_big_endian(at + kBaseTimestamp, head.base_timestamp);
  store_big_endian(at + kMaxTimestamp, head.max_timestamp);
  store_big_endian(at + kProducerId, head.producer_id);
  store_big_endian(at + kProducerEpoch, head.producer_epoch);
  store_big_endian(at + kBaseSequence, head.base_sequence);
  store_big_endian(at + kRecords, head.records);
}

std::string sealed(BatchHead head, std::string_view records) {
  std::string batch(kBatchHead, '\0');
  batch += records;
  head.length = static_cast<std::int32_t>(batch.size() - kLengthHead);
  const std::span<char, kBatchHead> at(batch.data(), kBatchHead);
  write_head(head, at);
  head.crc = crc32c(std::string_view(batch).substr(kAttributes));
  write_head(head, at);
  return batch;
}

bool crc_is_right(const BatchHead& head, std::string_view bytes) noexcept {
  if (bytes.size() != head.size() || bytes.size() < kCommonHead) return false;
  if (head.magic == 2) return bytes.size() >= kBatchHead && crc32c(bytes.substr(kAttributes)) == head.crc;
  const std::string_view covered = bytes.substr(kMagic);
  return ::crc32_z(0, reinterpret_cast<const Bytef*>(covered.data()), covered.size()) == head.crc;
}

}  // namespace sluice::log
