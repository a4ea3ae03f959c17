#include "log/verify.h"

#include <algorithm>
#include <vector>

#include "log/batch_reader.h"
#include "log/file_error.h"
#include "log/index_check.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "log/record.h"
#include "os/file.h"

namespace sluice::log {

namespace {

class SegmentCheck {
 public:
  SegmentCheck(const std::string& directory, std::int64_t base_offset, bool active,
               const std::function<void(const Finding&)>& tell, Verified& told)
      : directory_(directory), base_offset_(base_offset), active_(active), tell_(tell), told_(told) {}

  // The offset behind its last record.
  std::int64_t run(std::int64_t next_offset) {
    ++told_.segments;
    if (base_offset_ < next_offset) add(FileKind::kLog, 0, "begins below " + std::to_string(next_offset));
    check_log();
    return std::max(next_offset, next_offset_);
  }

 private:
  void add(FileKind kind, std::uint64_t position, std::string what, bool torn = false) {
    tell_({.file = file_of(base_offset_, kind), .position = position, .what = std::move(what), .torn = torn});
  }

  void check_log() {
    IndexCheck indexes(directory_, base_offset_,
                       [this](FileKind kind, std::uint64_t position, std::string what) {
                         add(kind, position, std::move(what), torn_);
                       });
    const std::string path = path_of(directory_, base_offset_, FileKind::kLog);
    const os::FileOr file = os::open_file(path);
    fail_unless_done(path, file.error);
    struct stat status {};
    int error = 0;
    if (!os::file_status(file.fd.get(), status, error)) fail(path, error);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    told_.bytes += size;
    next_offset_ = base_offset_;
    BatchReader batches(file.fd.get(), path, 0, size);
    Scan scan = Scan::kBatch;
    while ((scan = batches.next()) == Scan::kBatch) {
      check_batch(batches);
      indexes.pass(batches.head(), batches.position());
    }
    const std::string rest = std::to_string(size - batches.position()) + " bytes";
    if (scan == Scan::kCorrupt) {
      add(FileKind::kLog, batches.position(), "no batch begins here; " + rest + " not looked at");
      return;
    }
    if (scan == Scan::kTorn) {
      torn_ = active_;  // entries that lead into it are no other fault
      add(FileKind::kLog, batches.position(), "torn: the last " + rest + " are no whole batch", torn_);
    } else if (batches.position() != size) {
      add(FileKind::kLog, batches.position(), "the last " + rest + " are zeros", active_);
    }
    indexes.end(next_offset_);
  }

  void check_batch(const BatchReader& batches) {
    const BatchHead& head = batches.head();
    const std::uint64_t position = batches.position();
    ++told_.batches;
    const auto wrong = [&](const std::string& what) {
      add(FileKind::kLog, position, "batch at offset " + std::to_string(head.base_offset) + ": " + what);
    };
    if (head.base_offset < next_offset_)
      wrong("below " + std::to_string(next_offset_) + ", where the one before ends");
    if (head.last_offset() < head.base_offset) wrong("its last offset is below its first");
    if (!crc_is_right(head, batches.bytes())) {
      wrong("wrong CRC");  // then its records say nothing
    } else {
      check_records(head, batches.bytes(), wrong);
    }
    next_offset_ = std::max(next_offset_, head.last_offset() + 1);
  }

  template <typename Wrong>
  void check_records(const BatchHead& head, std::string_view bytes, const Wrong& wrong) {
    records_.begin(head, bytes);
    std::int64_t before = -1, youngest = kNoTimestamp;
    std::int32_t count = 0;
    for (Record record; records_.next(record); ++count) {
      if (record.offset <= before || (head.magic >= 2 && record.offset < head.base_offset) ||
          record.offset > head.last_offset())
        wrong("record " + std::to_string(count) + " has offset " + std::to_string(record.offset));
      before = record.offset;
      youngest = std::max(youngest, record.timestamp);
    }
    told_.records += static_cast<std::uint64_t>(count);
    if (records_.failed()) return wrong("records can't be read: " + std::string(records_.failure()));
    if (head.magic < 2) return;
    if (count != head.records)
      wrong(std::to_string(count) + " records instead of " + std::to_string(head.records));
    if (count != 0 && youngest != head.max_timestamp)
      wrong("its largest timestamp is " + std::to_string(youngest) + ", not " +
            std::to_string(head.max_timestamp));
  }

  const std::string& directory_;
  const std::int64_t base_offset_;
  const bool active_;
  const std::function<void(const Finding&)>& tell_;
  Verified& told_;
  RecordReader records_;
  std::int64_t next_offset_ = 0;
  bool torn_ = false;
};

}  // namespace

Verified verify_partition(const std::string& directory, const std::function<void(const Finding&)>& tell) {
  Verified told;
  const std::vector<std::int64_t> segments = segments_in(directory);
  std::int64_t next_offset = 0;
  for (const std::int64_t base_offset : segments)
    next_offset =
        SegmentCheck(directory, base_offset, base_offset == segments.back(), tell, told).run(next_offset);
  return told;
}

}  // namespace sluice::log
