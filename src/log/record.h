// The records inside a batch: read one by one without copying, or put together into a new batch.
//
// Errors    a batch that can't be read ends the iteration, and failed() says so. Sizes are checked before use.
// Bounded   decompression stops at `limit` bytes.
// Thread    any; an object belongs to one.
// Source    Apache Kafka's documentation, "Record"; Protocol Buffers' zigzag varints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/batch.h"

namespace sluice::log {

struct Header {
  std::string_view key;
  std::optional<std::string_view> value;
};

struct Record {
  std::int64_t offset = 0;
  std::int64_t timestamp = kNoTimestamp;
  std::optional<std::string_view> key, value;  // empty optional: null
  std::vector<Header> headers;
};

// Views stay valid until the reader is destroyed or begins another batch, and while `batch` does.
class RecordReader {
 public:
  static constexpr std::size_t kMost = 64u << 20;  // of one batch, decompressed

  // `batch`: a whole one, its head first; of any magic. Does not check the CRC.
  void begin(const BatchHead& head, std::string_view batch, std::size_t limit = kMost);
  bool next(Record& out);  // false: no more, or failed()
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::string_view failure() const noexcept { return failure_; }

 private:
  void fail(std::string_view why);
  void decompress_into_rest(std::string_view in, std::size_t limit);
  bool next_new(Record& out);  // magic 2
  bool next_old(Record& out);

  BatchHead head_;
  std::string_view rest_;
  std::string plain_;  // decompressed
  std::string_view failure_;
  std::int32_t left_ = 0;   // records; of magic 2
  std::int64_t base_ = 0;   // added to offsets; of magic 0 and 1
  bool is_set_ = false;     // compressed, of magic 0 or 1
  bool failed_ = false;
};

// Records in, one batch of magic 2 out. Offsets begin at the base that finish() is told.
class BatchBuilder {
 public:
  explicit BatchBuilder(Codec codec = Codec::kNone) : codec_(codec) {}
  void add(std::int64_t timestamp, std::optional<std::string_view> key, std::optional<std::string_view> value,
           const std::vector<Header>& headers = {});
  [[nodiscard]] std::int32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }  // bytes, not compressed
  // The whole batch; the builder is empty afterwards. Throws std::runtime_error when the codec's library fails.
  std::string finish(std::int64_t base_offset, std::int32_t leader_epoch);

 private:
  Codec codec_;
  std::string records_;
  std::int32_t count_ = 0;
  std::int64_t first_timestamp_ = kNoTimestamp, max_timestamp_ = kNoTimestamp;
};

}  // namespace sluice::log
