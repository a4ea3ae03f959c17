// One record batch in a segment or on the wire: its header, and where the next one begins.
//
// Bytes before `magic` are laid out alike in all formats, so that a reader can step over batches it does not know.
// Units     offsets in records, times in milliseconds since the epoch, sizes in bytes. Big-endian in the file.
// Errors    values: see Scan. Nothing throws, nothing reads beyond what it is given.
// Thread    any.
// Source    Apache Kafka's documentation, "Record Batch"; KIP-98, KIP-32 for the older magics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "log/crc32c.h"

namespace sluice::log {

enum class Codec : std::uint8_t { kNone, kGzip, kSnappy, kLz4, kZstd };  // as in the attributes

inline constexpr std::size_t kLengthHead = 12;   // base offset and length: enough to find the next batch
inline constexpr std::size_t kCommonHead = 17;   // ... with leader epoch (or crc) and magic
inline constexpr std::size_t kBatchHead = 61;    // of magic 2
inline constexpr std::int32_t kSmallestLength = 49;  // of magic 2: a batch without records
inline constexpr std::int64_t kNoTimestamp = -1;

struct BatchHead {
  std::int64_t base_offset = 0;
  std::int32_t length = 0;  // of what follows this field
  std::int32_t leader_epoch = -1;
  std::int8_t magic = 2;
  std::uint32_t crc = 0;  // CRC-32C from `attributes` to the end; of magic 0 and 1: CRC-32 from magic on
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp = kNoTimestamp, max_timestamp = kNoTimestamp;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t records = 0;  // 0 is possible after compaction

  [[nodiscard]] std::size_t size() const noexcept { return kLengthHead + static_cast<std::size_t>(length); }
  // Of magic 0 and 1 an entry is one record, or a compressed set whose offset is that of its last record.
  [[nodiscard]] std::int64_t last_offset() const noexcept { return base_offset + last_offset_delta; }
  [[nodiscard]] Codec codec() const noexcept { return static_cast<Codec>(attributes & 7); }
  [[nodiscard]] bool log_append_time() const noexcept { return (attributes & 8) != 0; }
  [[nodiscard]] bool transactional() const noexcept { return (attributes & 16) != 0; }
  [[nodiscard]] bool control() const noexcept { return (attributes & 32) != 0; }
};

enum class Scan : std::uint8_t {
  kBatch,
  kTorn,     // `bytes` end before the batch does: more may come
  kEnd,      // nothing, or zeros: preallocated room behind the last batch
  kCorrupt,  // no batch can begin like this
};

// The head of the batch that `bytes` begin with. kBatch needs the head (kBatchHead bytes, for older magics their own)
// and takes `available`, the bytes from here to the end of the file, for the judgement whether the batch is whole.
Scan read_head(std::string_view bytes, std::uint64_t available, BatchHead& out) noexcept;

// Writes a magic 2 head into `out` as it is in `head`, crc included.
void write_head(const BatchHead& head, std::span<char, kBatchHead> out) noexcept;

// A whole batch of magic 2: `head` with the length and the CRC that fit to `records`, compressed already where its
// attributes say so. `records`: below 2 GiB with the head.
std::string sealed(BatchHead head, std::string_view records);

// Whether the CRC of a whole batch (`bytes` of head.size()) is right, of any magic.
bool crc_is_right(const BatchHead& head, std::string_view bytes) noexcept;

}  // namespace sluice::log
