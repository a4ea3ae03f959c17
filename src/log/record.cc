#include "log/record.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/big_endian.h"
#include "log/compression.h"

namespace sluice::log {

namespace {

// --- varints ------------------------------------------------------------------------------------------------
// Zigzag: small numbers of either sign are short.
bool take_varint(std::string_view& from, std::int64_t& out) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) {
      out = static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
      return true;
    }
  }
  return false;
}

std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::size_t varint_size(std::int64_t value) noexcept {
  std::size_t size = 1;
  for (std::uint64_t left = zigzag(value); left > 0x7f; left >>= 7) ++size;
  return size;
}

void put_varint(std::string& out, std::int64_t value) {
  std::uint64_t left = zigzag(value);
  for (; left > 0x7f; left >>= 7) out += static_cast<char>(left | 0x80);
  out += static_cast<char>(left);
}

// --- bytes behind their length ------------------------------------------------------------------------------
using Bytes = std::optional<std::string_view>;

bool take(std::string_view& from, std::int64_t size, Bytes& out) noexcept {  // -1: null
  out.reset();
  if (size == -1) return true;
  if (size < 0 || static_cast<std::uint64_t>(size) > from.size()) return false;
  out = from.substr(0, static_cast<std::size_t>(size));
  from.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

bool take_bytes(std::string_view& from, Bytes& out) noexcept {
  std::int64_t size = 0;
  return take_varint(from, size) && take(from, size, out);
}

bool take_old_bytes(std::string_view& from, Bytes& out) noexcept {
  if (from.size() < 4) return false;
  const auto size = load_big_endian<std::int32_t>(from.data());
  from.remove_prefix(4);
  return take(from, size, out);
}

std::size_t size_of(const Bytes& bytes) noexcept {
  return bytes ? varint_size(static_cast<std::int64_t>(bytes->size())) + bytes->size() : 1;
}

void put_bytes(std::string& out, const Bytes& bytes) {
  put_varint(out, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
  if (bytes) out += *bytes;
}

// --- magic 0 and 1 ------------------------------------------------------------------------------------------
std::size_t head_size(const BatchHead& head) noexcept {
  return head.magic == 2 ? kBatchHead : head.magic == 1 ? 26 : 18;
}

// The offset that is added to those inside a set: from magic 1 on they count from its first record, and the set's own is
// that of its last.
bool base_of_set(const BatchHead& set, std::string_view inside, std::int64_t& base) noexcept {
  base = 0;
  if (set.magic == 0) return true;
  BatchHead entry;
  while (!inside.empty()) {
    if (read_head(inside, inside.size(), entry) != Scan::kBatch) return false;
    inside.remove_prefix(entry.size());
  }
  base = set.base_offset - entry.base_offset;
  return base >= 0;
}

}  // namespace

void RecordReader::begin(const BatchHead& head, std::string_view batch, std::size_t limit) {
  head_ = head;
  failed_ = false;
  failure_ = {};
  left_ = head.records;
  base_ = head.base_offset;
  is_set_ = false;
  rest_ = {};
  if (batch.size() != head.size() || batch.size() < head_size(head)) return fail("the batch is not whole");

  if (head.magic == 2) {
    rest_ = batch.substr(kBatchHead);
    if (head.codec() != Codec::kNone) decompress_into_rest(rest_, limit);
    return;
  }
  if (head.codec() == Codec::kNone) {
    rest_ = batch;  // one record, read like one inside a set
    base_ = 0;
    return;
  }
  is_set_ = true;
  std::string_view both = batch.substr(head_size(head));
  Bytes key, value;
  if (!take_old_bytes(both, key) || !take_old_bytes(both, value) || !value || !both.empty())
    return fail("a compressed set can't be read");
  decompress_into_rest(*value, limit);
  if (!failed_ && !base_of_set(head, rest_, base_)) fail("a compressed set can't be read");
}

void RecordReader::decompress_into_rest(std::string_view in, std::size_t limit) {
  std::string_view why;
  rest_ = {};
  if (!decompress(head_.codec(), in, limit, plain_, why)) return fail(why);
  rest_ = plain_;
}

void RecordReader::fail(std::string_view why) {
  failed_ = true;
  failure_ = why;
}

bool RecordReader::next(Record& out) {
  if (failed_) return false;
  if (head_.magic == 2 ? left_ == 0 : rest_.empty()) {
    if (!rest_.empty()) fail("bytes follow the last record");
    return false;
  }
  const bool read = head_.magic == 2 ? next_new(out) : next_old(out);
  if (!read) fail("a record can't be read");
  return read;
}

bool RecordReader::next_new(Record& out) {
  std::int64_t size = 0, timestamp_delta = 0, offset_delta = 0, headers = 0;
  if (!take_varint(rest_, size) || size < 1 || static_cast<std::uint64_t>(size) > rest_.size()) return false;
  std::string_view record =
      rest_.substr(1, static_cast<std::size_t>(size) - 1);  // behind the attributes: none yet
  rest_.remove_prefix(static_cast<std::size_t>(size));
  if (!take_varint(record, timestamp_delta) || !take_varint(record, offset_delta)) return false;
  if (!take_bytes(record, out.key) || !take_bytes(record, out.value) || !take_varint(record, headers))
    return false;
  out.headers.clear();
  for (; headers > 0; --headers) {
    Header header;
    Bytes key;
    if (!take_bytes(record, key) || !key || !take_bytes(record, header.value)) return false;
    header.key = *key;
    out.headers.push_back(header);
  }
  if (headers < 0 || !record.empty() || offset_delta < 0 || offset_delta > head_.last_offset_delta)
    return false;
  out.offset = head_.base_offset + offset_delta;
  // Wraps as Java's long does: nobody checks what a producer says.
  out.timestamp = head_.log_append_time()
                      ? head_.max_timestamp
                      : static_cast<std::int64_t>(static_cast<std::uint64_t>(head_.base_timestamp) +
                                                  static_cast<std::uint64_t>(timestamp_delta));
  --left_;
  return true;
}

bool RecordReader::next_old(Record& out) {
  BatchHead entry;
  if (read_head(rest_, rest_.size(), entry) != Scan::kBatch || entry.magic == 2 ||
      entry.codec() != Codec::kNone)
    return false;
  std::string_view both = rest_.substr(0, entry.size()).substr(head_size(entry));
  rest_.remove_prefix(entry.size());
  if (!take_old_bytes(both, out.key) || !take_old_bytes(both, out.value) || !both.empty()) return false;
  out.headers.clear();
  out.offset = base_ + entry.base_offset;
  out.timestamp = is_set_ && head_.log_append_time() ? head_.max_timestamp : entry.base_timestamp;
  return out.offset <= head_.base_offset;
}

void BatchBuilder::add(std::int64_t timestamp, std::optional<std::string_view> key,
                       std::optional<std::string_view> value, const std::vector<Header>& headers) {
  if (count_ == 0) first_timestamp_ = max_timestamp_ = timestamp;
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  // Wraps as Java's long does, and next() adds it in the same way.
  const auto delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp) -
                                               static_cast<std::uint64_t>(first_timestamp_));
  const auto header_count = static_cast<std::int64_t>(headers.size());

  std::size_t size = 1 + varint_size(delta) + varint_size(count_) + size_of(key) + size_of(value);
  size += varint_size(header_count);
  for (const Header& header : headers) size += size_of(header.key) + size_of(header.value);

  put_varint(records_, static_cast<std::int64_t>(size));
  records_ += '\0';  // attributes
  put_varint(records_, delta);
  put_varint(records_, count_);
  put_bytes(records_, key);
  put_bytes(records_, value);
  put_varint(records_, header_count);
  for (const Header& header : headers) {
    put_bytes(records_, header.key);
    put_bytes(records_, header.value);
  }
  ++count_;
}

std::string BatchBuilder::finish(std::int64_t base_offset, std::int32_t leader_epoch) {
  const std::string stored = codec_ == Codec::kNone ? std::move(records_) : compress(codec_, records_);
  if (stored.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) - kBatchHead)
    throw std::runtime_error("a batch of 2 GiB or more can't be written");
  BatchHead head;
  head.base_offset = base_offset;
  head.leader_epoch = leader_epoch;
  head.attributes = static_cast<std::int16_t>(codec_);
  head.last_offset_delta = std::max(count_ - 1, 0);
  head.base_timestamp = first_timestamp_;
  head.max_timestamp = max_timestamp_;
  head.records = count_;
  *this = BatchBuilder(codec_);
  return sealed(head, stored);
}

}  // namespace sluice::log
