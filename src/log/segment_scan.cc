#include "log/segment_scan.h"

#include <cerrno>

#include "log/batch_walk.h"
#include "log/index_file.h"
#include "log/names.h"
#include "os/file.h"

namespace sluice::log {

namespace {

// An end that nothing is known of but the place: the offset is the lowest there can be.
ValidEnd end_at(std::uint64_t position, std::int64_t base_offset) noexcept {
  return {.position = position, .offset = base_offset};
}

// Whether `entry` tells of the batch that stands there.
bool fits(const SegmentFile& file, std::int64_t base_offset, const IndexEntry& entry) {
  BatchHead head;
  return BatchWalk(file.fd.get(), file.size, entry.position).next(head) == Scan::kBatch &&
         head.base_offset >= base_offset && head.base_offset <= entry.offset;
}

}  // namespace

SegmentFile open_segment(const std::string& directory, std::int64_t base_offset) {
  os::FileOr opened = os::open_file(path_of(directory, base_offset, FileKind::kLog));
  SegmentFile out{.fd = std::move(opened.fd), .error = opened.error};
  struct stat status {};
  if (out.error != 0 || !os::file_status(out.fd.get(), status, out.error)) return out;
  if (!S_ISREG(status.st_mode)) out.error = EINVAL;
  out.size = static_cast<std::uint64_t>(status.st_size);
  out.inode = status.st_ino;
  return out;
}

Scan advance(const SegmentFile& file, ValidEnd& end, Check check, const OnBatch& on_batch) {
  BatchWalk walk(file.fd.get(), file.size, end.position);
  BatchHead head, next;
  Scan found = walk.next(head);
  while (found == Scan::kBatch) {
    if (head.base_offset < end.offset) return Scan::kCorrupt;
    const std::uint64_t behind = walk.position();
    const Scan following = walk.next(next);
    // In preallocated room a batch's head can be seen before the rest of it is there.
    const bool in_room = following == Scan::kEnd && behind < file.size;
    if ((in_room || check == Check::kCrc) && !crc_is_right(file.fd.get(), end.position, head)) {
      return in_room ? Scan::kTorn : Scan::kCorrupt;
    }
    const bool enough = on_batch && !on_batch(end.position, head);
    end = {.position = behind,
           .offset = head.last_offset() + 1,
           .last_position = end.position,
           .last_offset = head.last_offset(),
           .last_crc = head.crc};
    if (enough) return Scan::kBatch;
    head = next;
    found = following;
  }
  return found;
}

ValidEnd find_end(const SegmentFile& file, const std::string& directory, std::int64_t base_offset,
                  Check check) {
  const IndexFile index(path_of(directory, base_offset, FileKind::kOffsetIndex), base_offset, file.size);
  // The batch of the last entry may be torn or wrong itself: then the one before tells where the log ends.
  for (auto entry = index.before(file.size); entry; entry = index.before(entry->position)) {
    if (!fits(file, base_offset, *entry)) continue;
    ValidEnd end = end_at(entry->position, base_offset);
    (void)advance(file, end, check);
    if (end.last_offset != -1) return end;
  }
  ValidEnd end = end_at(0, base_offset);
  (void)advance(file, end, check);
  return end;
}

ValidEnd find_before(const SegmentFile& file, const std::string& directory, std::int64_t base_offset,
                     std::int64_t offset) {
  if (offset <= base_offset) return end_at(0, base_offset);
  const IndexFile index(path_of(directory, base_offset, FileKind::kOffsetIndex), base_offset, file.size);
  // An entry bears its append's last offset, so the one below stands in front of whatever begins at `offset`.
  const auto entry = index.at_or_below(offset - 1);
  return end_at(entry && fits(file, base_offset, *entry) ? entry->position : 0, base_offset);
}

bool still_ends(const SegmentFile& file, const ValidEnd& end) {
  if (file.size < end.position) return false;
  if (end.last_offset == -1) return true;
  BatchHead head;
  BatchWalk walk(file.fd.get(), end.position, end.last_position);
  return walk.next(head) == Scan::kBatch && head.last_offset() == end.last_offset &&
         head.crc == end.last_crc && walk.position() == end.position;
}

}  // namespace sluice::log
