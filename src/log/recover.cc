#include "log/recover.h"

#include "log/batch_reader.h"
#include "log/file_error.h"
#include "log/names.h"
#include "os/file.h"
#include "os/write_file.h"

namespace sluice::log {

namespace {

std::uint64_t size_of(int fd, const std::string& path) {
  struct stat status {};
  int error = 0;
  if (!os::file_status(fd, status, error)) fail(path, error);
  return static_cast<std::uint64_t>(status.st_size);
}

// Notes the batches from the last index entry on, up to the first that is not whole, right and in order.
SegmentEnd walk(int log, const std::string& path, std::int64_t base_offset, std::uint64_t size,
                IndexWriter& indexes) {
  const auto entry = indexes.last_entry();
  SegmentEnd end{.size = entry ? entry->position : 0, .next_offset = base_offset};
  BatchReader batches(log, path, end.size, size);
  while (batches.next() == Scan::kBatch) {
    const BatchHead& head = batches.head();
    if (head.base_offset < end.next_offset || head.last_offset() < head.base_offset) break;
    if (!crc_is_right(head, batches.bytes())) break;
    indexes.note(head, batches.position());
    end = {.size = batches.end(), .next_offset = head.last_offset() + 1};
  }
  return end;
}

// The entries were right about the batches behind the last one, and none is about something that is not there.
bool fits(const IndexWriter& indexes, const std::optional<IndexWriter::OffsetEntry>& began,
          const SegmentEnd& end) {
  if (began && end.next_offset <= began->offset) return false;
  return indexes.last_time().timestamp == kNoTimestamp || indexes.last_time().offset < end.next_offset;
}

}  // namespace

SegmentEnd recover_active(int log, const std::string& path, std::int64_t base_offset, IndexWriter& indexes,
                          Recovered& told) {
  const std::uint64_t size = size_of(log, path);
  SegmentEnd end;
  bool right = indexes.load(size);
  if (right) {
    const auto began = indexes.last_entry();
    end = walk(log, path, base_offset, size, indexes);
    right = fits(indexes, began, end);
    told.indexes_rebuilt |= !began && indexes.last_entry();
  }
  if (!right) {
    told.indexes_rebuilt = true;
    indexes.clear();
    end = walk(log, path, base_offset, size, indexes);
  }
  if (end.size != size) {
    fail_unless_done(path, os::resize(log, end.size));
    told.cut = size - end.size;
  }
  fail_unless_done(path, indexes.write());
  return end;
}

void mend_sealed(const std::string& directory, std::int64_t base_offset, std::uint64_t index_interval,
                 Recovered& told) {
  const auto plausible = [&](FileKind kind, off_t entry, off_t least) {
    struct stat status {};
    int error = 0;
    return os::status_of(path_of(directory, base_offset, kind), status, error) && status.st_size >= least &&
           status.st_size % entry == 0;
  };
  if (plausible(FileKind::kOffsetIndex, 8, 0) && plausible(FileKind::kTimeIndex, 12, 12)) return;
  const std::string path = path_of(directory, base_offset, FileKind::kLog);
  const os::FileOr log = os::open_file(path);
  fail_unless_done(path, log.error);
  told.indexes_rebuilt = true;
  IndexWriter indexes(directory, base_offset, index_interval);
  indexes.clear();
  BatchReader batches(log.fd.get(), path, 0, size_of(log.fd.get(), path));
  while (batches.next() == Scan::kBatch) indexes.note(batches.head(), batches.position());
  indexes.note_end();
  fail_unless_done(path, indexes.write());
}

}  // namespace sluice::log
