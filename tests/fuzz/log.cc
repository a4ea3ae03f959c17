// Segments and what is in them: whatever the bytes are, nothing is read behind them, look-ups agree with a naive scan, and
// records that can be read mean the same when they are written anew.
//
//   n, n * 8 bytes of index, the segment
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "log/batch.h"
#include "log/compression.h"
#include "log/index.h"
#include "log/record.h"
#include "log/segment.h"

namespace sluice::fuzz {
namespace {

using log::BatchHead;
using log::Codec;
using log::Look;
using log::OffsetIndex;
using log::Record;
using log::RecordReader;
using log::Scan;
using log::SegmentLookup;

constexpr std::size_t kLimit = 256 * 1024;  // of what is decompressed
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// A copy as long as it is: a sanitizer sees a read past the end.
class Copy {
 public:
  explicit Copy(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    bytes.copy(bytes_.get(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

void put(std::string& out, std::optional<std::string_view> bytes) {
  out += bytes ? "=" + std::to_string(bytes->size()) + ":" : "-";
  if (bytes) out += *bytes;
}

std::string text_of(const Record& record) {
  std::string out = std::to_string(record.timestamp);
  put(out, record.key);
  put(out, record.value);
  for (const log::Header& header : record.headers) {
    put(out, header.key);
    put(out, header.value);
  }
  return out + "\n";
}

// nullopt: not all of it can be read.
std::optional<std::string> read_records(const BatchHead& head, std::string_view batch,
                                        log::BatchBuilder* anew) {
  RecordReader reader;
  Record record;
  std::string all;
  for (reader.begin(head, batch, kLimit); reader.next(record);) {
    require(record.offset <= head.last_offset(), "a record lies in its batch");
    require(head.magic < 2 || record.offset >= head.base_offset,
            "a record lies in its batch, the first, too");
    all += text_of(record);
    if (anew != nullptr) anew->add(record.timestamp, record.key, record.value, record.headers);
  }
  require(!reader.next(record), "over is over");
  require(reader.failed() != reader.failure().empty(), "a failure has a reason");
  if (reader.failed()) return std::nullopt;
  return all;
}

void check_batch(const BatchHead& head, std::string_view bytes) {
  const Copy batch(bytes);
  (void)log::crc_is_right(head, batch.view());
  log::BatchBuilder builder(static_cast<Codec>(bytes.size() % 5));
  const auto records = read_records(head, batch.view(), &builder);
  if (!records || builder.count() == 0) return;
  const std::string again = builder.finish(7, 3);
  BatchHead written;
  require(log::read_head(again, again.size(), written) == Scan::kBatch, "what was written is a batch");
  require(written.size() == again.size() && log::crc_is_right(written, again), "... a whole, right one");
  require(written.max_timestamp >= written.base_timestamp, "... with its times");
  if (written.size() > kLimit) return;
  const auto same = read_records(written, again, nullptr);
  require(same.has_value(), "what was written can be read");
  require_same(*same, *records, "written anew, records mean the same");
}

struct Known {
  std::uint64_t position;
  BatchHead head;
};

std::vector<Known> scan_naively(std::string_view segment) {
  std::vector<Known> found;
  std::uint64_t at = 0;
  for (;;) {
    const Copy rest(segment.substr(at));
    BatchHead head;
    const Scan scan = log::read_head(rest.view(), rest.view().size(), head);
    if (scan != Scan::kBatch) return found;
    require(head.size() <= rest.view().size() && head.size() > log::kCommonHead, "a batch is whole");
    require(head.last_offset() >= head.base_offset && head.base_offset >= 0, "offsets go forwards");
    BatchHead cut;
    require(log::read_head(rest.view(), head.size() - 1, cut) == Scan::kTorn, "a byte less, and it is torn");
    found.push_back({at, head});
    at += head.size();
  }
}

void check_segment(std::string_view segment, std::string_view index_bytes, const std::vector<Known>& known) {
  const std::int64_t base = known.empty() ? 0 : known.front().head.base_offset;
  OffsetIndex given, none;
  given.extend(index_bytes, segment.size());
  std::string built_bytes;
  log::build_index(segment, base, built_bytes);

  std::vector<std::int64_t> offsets = {base, base + 1, kMost - 1};
  for (const Known& each : known) {
    offsets.push_back(each.head.base_offset);
    offsets.push_back(each.head.last_offset());
  }
  for (const std::int64_t offset : offsets) {
    const log::Place naive = SegmentLookup(segment, base, none).reaching(offset);
    if (naive.look == Look::kFound) {
      std::size_t at = 0;
      while (known[at].head.last_offset() < offset) ++at;
      require(known[at].position == naive.position, "the first batch that reaches an offset is found");
    }
    for (const OffsetIndex* index : {&given, &none}) {
      const SegmentLookup lookup(segment, base, *index);
      const log::Place place = lookup.reaching(offset);
      if (place.look != Look::kFound) continue;
      require(place.head.last_offset() >= offset, "what is found reaches the offset");
      require(place.position + place.head.size() <= segment.size(), "... and is whole");
      for (const std::uint64_t limit :
           {place.position, place.position + 100, segment.size() / 2, segment.size()}) {
        const log::Stretch stretch =
            lookup.fitting(place.position, limit, offset == base ? kMost : offset + 9);
        if (stretch.look != Look::kFound) continue;
        require(stretch.end > place.position && stretch.end <= limit && stretch.end <= segment.size(),
                "a stretch is within its bounds");
      }
    }
  }
}

void check_indexes(std::string_view bytes) {
  OffsetIndex index;
  index.extend(bytes, kMost);
  for (std::size_t i = 0; i < index.entries(); ++i) {
    const OffsetIndex::Entry entry = index.entry(i);
    require(index.at_most(entry.offset).position == entry.position, "an entry is found by its offset");
    require(index.below(entry.position + 1).position == entry.position, "... and by its position");
    require(index.at_most(entry.offset - 1).position < entry.position, "... and not before");
  }
  const log::TimeIndex times(bytes);
  for (std::size_t i = 0; i < times.entries(); ++i) {
    const auto below = times.below(times.entry(i).timestamp);
    require(i == 0 ? !below : below->timestamp == times.entry(i - 1).timestamp, "times go forwards");
  }
  std::int64_t last = -1;
  for (const log::AbortedTransaction& each : log::read_transaction_index(bytes)) {
    require(each.last_offset > last && each.first_offset <= each.last_offset, "transactions go forwards");
    last = each.last_offset;
  }
}

void check_codecs(std::string_view bytes) {
  for (int codec = 0; codec < 8; ++codec) {
    std::string plain;
    std::string_view why;
    if (!log::decompress(static_cast<Codec>(codec), bytes, kLimit, plain, why)) {
      require(!why.empty(), "a refusal has a reason");
      continue;
    }
    require(plain.size() <= kLimit, "what is decompressed is bounded");
  }
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  if (size == 0) return 0;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  const std::size_t of_index = std::min<std::size_t>(data[0] * std::size_t{8}, size - 1);
  const Copy index(in.substr(1, of_index)), segment(in.substr(1 + of_index));

  const std::vector<Known> known = scan_naively(segment.view());
  for (const Known& each : known)
    check_batch(each.head, segment.view().substr(each.position, each.head.size()));
  check_segment(segment.view(), index.view(), known);
  check_indexes(index.view());
  check_indexes(segment.view());
  check_codecs(segment.view());
  return 0;
}
