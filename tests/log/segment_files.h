// Segments for tests: batches of random sizes and gaps, and what a naive scan knows of them.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/big_endian.h"
#include "log/batches.h"
#include "log/names.h"
#include "log/view.h"
#include "scratch_directory.h"

namespace sluice::testing {

struct MadeBatch {
  std::uint64_t position, size;
  std::int64_t first, last;
  std::int64_t timestamp;  // the largest
};

struct MadeSegment {
  std::int64_t base = 0, end_offset = 0;
  std::string log, index, time_index;
  std::vector<MadeBatch> batches;

  explicit MadeSegment(std::int64_t base_offset) : base(base_offset), end_offset(base_offset) {}

  void add(std::string_view batch) {
    const log::BatchHead head = head_of(batch);
    batches.push_back({log.size(), batch.size(), head.base_offset, head.last_offset(), head.max_timestamp});
    log += batch;
    end_offset = head.last_offset() + 1;
  }
  // As a broker does: an entry for an append when more than `interval` bytes came since the last; zeros behind.
  void make_index(std::uint64_t interval, std::size_t zeros = 0) {
    index.clear();
    std::uint64_t since = 0;
    for (const MadeBatch& batch : batches) {
      if (since > interval) {
        add_to_index(batch.last - base, batch.position);
        since = 0;
      }
      since += batch.size;
    }
    index.append(zeros, '\0');
  }
  void add_to_index(std::int64_t offset, std::uint64_t position) {
    char entry[8];
    store_big_endian(entry, static_cast<std::int32_t>(offset));
    store_big_endian(entry + 4, static_cast<std::uint32_t>(position));
    index.append(entry, sizeof entry);
  }
  void add_to_time_index(std::int64_t timestamp, std::int64_t offset) {
    char entry[12];
    store_big_endian(entry, timestamp);
    store_big_endian(entry + 8, static_cast<std::int32_t>(offset - base));
    time_index.append(entry, sizeof entry);
  }
};

// Some `count` batches of 1 to 5 records with up to `padding` more bytes each, every fifth time behind a gap.
inline MadeSegment random_segment(std::mt19937& random, std::int64_t base, int count, std::size_t padding) {
  MadeSegment segment(base);
  std::int64_t offset = base + static_cast<std::int64_t>(random() % 2 * (random() % 10));
  for (int i = 0; i < count; ++i) {
    const auto records = static_cast<std::int32_t>(1 + random() % 5);
    segment.add(some_batch(offset, records, padding == 0 ? 0 : random() % padding));
    offset += records + static_cast<std::int64_t>(random() % 5 == 0 ? random() % 20 : 0);
  }
  return segment;
}

// A partition's directory with these segments.
class MadePartition {
 public:
  explicit MadePartition(const std::string& topic = "t") : directory_(scratch_.make_directory(topic + "-0")) {
    view_.topic = topic;
    view_.directory = directory_;
  }

  void write(const MadeSegment& segment, bool with_index = true) {
    write_file(segment.base, log::FileKind::kLog, segment.log);
    if (with_index) write_file(segment.base, log::FileKind::kOffsetIndex, segment.index);
    if (!segment.time_index.empty()) write_file(segment.base, log::FileKind::kTimeIndex, segment.time_index);
    auto at = std::find_if(view_.segments.begin(), view_.segments.end(),
                           [&](const log::SegmentView& each) { return each.base_offset == segment.base; });
    if (at == view_.segments.end())
      at = view_.segments.insert(at, log::SegmentView{.base_offset = segment.base});
    at->end_offset = segment.end_offset;
    at->size = segment.log.size();
    struct stat status {};
    if (::stat(path(segment.base, log::FileKind::kLog).c_str(), &status) != 0)
      throw std::runtime_error("no segment");
    at->inode = static_cast<std::uint64_t>(status.st_ino);
    view_.log_start = view_.segments.front().base_offset;
    view_.end = view_.last_stable = view_.segments.back().end_offset;
  }
  void write_file(std::int64_t base, log::FileKind kind, const std::string& bytes) const {
    std::ofstream(path(base, kind), std::ios::binary) << bytes;
  }

  [[nodiscard]] std::string path(std::int64_t base, log::FileKind kind) const {
    return log::path_of(directory_, base, kind);
  }
  [[nodiscard]] log::PartitionView& view() noexcept { return view_; }
  [[nodiscard]] log::PartitionViewPtr shared_view() const {
    return std::make_shared<log::PartitionView>(view_);
  }

 private:
  ScratchDirectory scratch_;
  std::string directory_;
  log::PartitionView view_;
};

}  // namespace sluice::testing
