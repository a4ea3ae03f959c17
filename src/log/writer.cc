#include "log/writer.h"

#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>

#include "base/topic_name.h"
#include "log/file_error.h"
#include "log/index_writer.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "os/file.h"
#include "os/write_file.h"

namespace sluice::log {

namespace {

constexpr std::uint64_t kLargestSegment =
    std::numeric_limits<std::int32_t>::max();  // positions in an index are i32

struct Sealed {
  std::int64_t base_offset;
  std::uint64_t size;
};

// The timestamp of a segment's first record, by which it ages.
std::int64_t first_timestamp(int log) {
  std::string bytes(kBatchHead, '\0');
  BatchHead head;
  const os::IoResult read = os::read_at(log, bytes, 0);
  if (!read.ok() ||
      read_head(std::string_view(bytes).substr(0, read.bytes), kLargestSegment, head) != Scan::kBatch)
    return kNoTimestamp;
  return head.base_timestamp;
}

}  // namespace

struct Writer::Impl {
  Impl(const std::string& log_directory, const std::string& topic, std::int32_t partition,
       WriterOptions wanted)
      : options(wanted), directory(make_partition(log_directory, topic, partition)) {
    lock = lock_partition(log_directory, directory);
    leader_epoch = leader_epoch_of(directory);
    const std::vector<std::int64_t> segments = segments_in(directory);
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      mend_sealed(directory, segments[i], options.index_interval, recovered);
      const std::string log_path = path_of(directory, segments[i], FileKind::kLog);
      struct stat status {};
      int error = 0;
      if (!os::status_of(log_path, status, error)) fail(log_path, error);
      sealed.push_back({.base_offset = segments[i], .size = static_cast<std::uint64_t>(status.st_size)});
    }
    open(segments.empty() ? 0 : segments.back());
    const SegmentEnd end = recover_active(log.get(), path, base_offset, *indexes, recovered);
    size = end.size;
    next_offset = end.next_offset;
    if (size != 0) began = first_timestamp(log.get());
    retain();
  }

  // Its files are left as a broker leaves them: with a last time index entry.
  ~Impl() {
    indexes->note_end();
    (void)indexes->write();
  }

  void open(std::int64_t base) {
    // The indexes first: nobody who looks meanwhile sees a segment without them.
    auto next_indexes = std::make_unique<IndexWriter>(directory, base, options.index_interval);
    std::string next_path = path_of(directory, base, FileKind::kLog);
    os::FileOr file = os::open_to_write(next_path);
    fail_unless_done(next_path, file.error);
    if (options.fsync_every != 0) fail_unless_done(directory, os::sync_directory(directory));
    path = std::move(next_path);
    log = std::move(file.fd);
    indexes = std::move(next_indexes);
    base_offset = base;
    size = 0;
    began = kNoTimestamp;
  }

  [[nodiscard]] bool is_full_for(const BatchHead& head) const noexcept {
    if (size == 0) return false;
    if (size + head.size() > options.segment_bytes) return true;
    if (head.last_offset() - base_offset > std::numeric_limits<std::int32_t>::max()) return true;
    return options.segment_age.count() != 0 && began != kNoTimestamp &&
           head.max_timestamp - began > options.segment_age.count();
  }

  void roll() {
    sync();
    indexes->note_end();
    (void)indexes->write();  // `log verify` and the next writer tell or mend what a full disk left out
    const Sealed full{.base_offset = base_offset, .size = size};
    open(next_offset);
    sealed.push_back(full);
    retain();
  }

  // As a broker counts: a segment goes when what is left is still as large as what is to be kept. One that can't go now is
  // tried again with the next roll.
  void retain() {
    if (options.retain_bytes == 0) return;
    std::uint64_t all = size;
    for (const Sealed& segment : sealed) all += segment.size;
    while (!sealed.empty() && all - sealed.front().size >= options.retain_bytes) {
      if (remove_segment(directory, sealed.front().base_offset) != 0) return;
      all -= sealed.front().size;
      sealed.pop_front();
    }
  }

  void append(std::string_view batch) {
    BatchHead head;
    if (read_head(batch, batch.size(), head) != Scan::kBatch || head.size() != batch.size() ||
        head.base_offset != next_offset)
      throw std::logic_error("not the batch that comes next");
    if (batch.size() > options.segment_bytes)
      throw std::runtime_error(path + ": a batch of " + std::to_string(batch.size()) +
                               " bytes is larger than a segment may be");
    cut_back();
    if (is_full_for(head)) roll();
    const os::IoResult written = os::write_at(log.get(), batch, size);
    torn = !written.ok();
    int error = written.error;
    if (error == 0 && options.fsync_every != 0 && unsynced + 1 >= options.fsync_every) {
      error = os::sync_file(log.get());
      torn = error != 0;
      if (!torn) unsynced = 0;
    } else {
      ++unsynced;
    }
    if (torn) {
      (void)os::resize(log.get(), size);
      fail(path, error);
    }
    if (size == 0) began = head.base_timestamp;
    indexes->note(head, size);
    size += batch.size();
    next_offset = head.last_offset() + 1;
    (void)indexes->write();  // again with the next batch
  }

  // What a failed append left, where that could not be taken away at once.
  void cut_back() {
    if (!torn) return;
    fail_unless_done(path, os::resize(log.get(), size));
    torn = false;
  }

  void sync() {
    fail_unless_done(path, os::sync_file(log.get()));
    fail_unless_done(path, indexes->sync());
    unsynced = 0;
  }

  const WriterOptions options;
  const std::string directory;
  os::UniqueFd lock;
  std::int32_t leader_epoch = 0;
  Recovered recovered;
  std::deque<Sealed> sealed;  // ascending

  // The segment that is written:
  std::string path;
  os::UniqueFd log;
  std::unique_ptr<IndexWriter> indexes;
  std::int64_t base_offset = 0, next_offset = 0;
  std::uint64_t size = 0;
  std::int64_t began = kNoTimestamp;
  std::uint64_t unsynced = 0;  // batches
  bool torn = false;
};

Writer::Writer(const std::string& log_directory, const std::string& topic, std::int32_t partition,
               WriterOptions options) {
  if (!is_topic_name(topic)) throw std::runtime_error("\"" + topic + "\" can't be a topic's name");
  if (partition < 0 || partition >= kMostPartitions)
    throw std::runtime_error("there is no partition " + std::to_string(partition));
  if (options.segment_bytes > kLargestSegment) throw std::runtime_error("a segment must be below 2 GiB");
  impl_ = std::make_unique<Impl>(log_directory, topic, partition, options);
}

Writer::~Writer() = default;

const Recovered& Writer::recovered() const noexcept { return impl_->recovered; }
std::int64_t Writer::next_offset() const noexcept { return impl_->next_offset; }
std::int32_t Writer::leader_epoch() const noexcept { return impl_->leader_epoch; }
void Writer::append(std::string_view batch) { impl_->append(batch); }
void Writer::sync() { impl_->sync(); }

}  // namespace sluice::log
