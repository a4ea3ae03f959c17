#include "log/open_segment.h"

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "log/names.h"
#include "os/bus_guard.h"
#include "os/file.h"

namespace sluice::log {

namespace {
constexpr std::uint64_t kLogRoom = 64_MiB, kIndexRoom = 256_KiB;  // behind the ends of what may grow
}

int Mapped::open(const std::string& path, std::uint64_t room) {
  os::FileOr opened = os::open_file(path);
  if (opened.error != 0) return opened.error;
  struct stat status;
  int error = 0;
  if (!os::file_status(opened.fd.get(), status, error)) return error;
  size = static_cast<std::uint64_t>(status.st_size);
  inode = static_cast<std::uint64_t>(status.st_ino);
  memory = os::MappedFile::map(opened.fd.get(), size + room, error);
  // Its size is what it may become: what is remembered of its pages goes by it.
  if (error == 0) file = std::make_shared<relay::File>(std::move(opened.fd), size + room);
  return error;
}

std::shared_ptr<OpenSegment> OpenSegment::open(const std::string& directory, const SegmentView& view,
                                               Index index, int& error) {
  auto segment = std::make_shared<OpenSegment>();
  segment->base_ = view.base_offset;
  error = segment->log_.open(path_of(directory, view.base_offset, FileKind::kLog), kLogRoom);
  if (error == 0 && (segment->log_.inode != view.inode || segment->log_.size < view.size)) error = ESTALE;
  if (error != 0) return nullptr;
  segment->indexed_ = view.size;
  segment->open_index(directory, index);
  return segment;
}

void OpenSegment::open_index(const std::string& directory, Index index) {
  anew_ = index == Index::kAnew;
  if (!anew_) {
    const int error = index_file_.open(path_of(directory, base_, FileKind::kOffsetIndex), kIndexRoom);
    const bool whole = error == 0 && index_file_.size % OffsetIndex::kEntry == 0;
    const std::string_view entries = index_file_.memory.bytes().substr(0, index_file_.size);
    const bool read = whole && os::guarded([&] { index_.extend(entries, indexed_); });
    if (read && !index_.implausible() && index == Index::kAsFound &&
        (index_file_.size != 0 || indexed_ <= 64_KiB))
      return;
    if (read && index == Index::kCompleted) {
      std::string copy(index_.entries() * OffsetIndex::kEntry, '\0');
      if (os::guarded([&] { std::copy_n(entries.data(), copy.size(), copy.data()); }))
        built_ = std::move(copy);
    }
  }
  own_ = true;
  index_file_ = {};
  index_ = {};
  // A place that can't be read ends the index; the look-up that gets there says so.
  (void)os::guarded([&] { build_index(log_.memory.bytes().substr(0, indexed_), base_, built_); });
  index_.extend(built_, indexed_);
}

bool OpenSegment::matches(const SegmentView& view) noexcept {
  if (view.inode != log_.inode || view.size > log_.memory.bytes().size()) return false;
  if (view.size > indexed_ && index_file_.file != nullptr) {
    // Where its file ends at a page's end, reading on fails: then there is nothing new in it.
    (void)os::guarded([&] { index_.extend(index_file_.memory.bytes(), view.size); });
    indexed_ = view.size;
  }
  return !index_.implausible();
}

std::optional<std::uint64_t> OpenSegment::recall(std::int64_t offset) const noexcept {
  const auto* const found =
      std::find_if(ends_.begin(), ends_.end(), [&](const End& end) { return end.offset == offset; });
  if (found == ends_.end()) return std::nullopt;
  return found->position;
}

void OpenSegment::remember(std::int64_t offset, std::uint64_t position) noexcept {
  if (recall(offset) == position) return;
  ends_[next_end_] = {.offset = offset, .position = position};
  next_end_ = (next_end_ + 1) % ends_.size();
}

}  // namespace sluice::log
