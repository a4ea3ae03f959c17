#include "log/index_file.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/big_endian.h"
#include "os/file.h"

namespace sluice::log {

namespace {
constexpr std::size_t kEntry = 8;
}

IndexFile::IndexFile(const std::string& path, std::int64_t base_offset, std::uint64_t log_size)
    : fd_(os::open_file(path).fd), base_offset_(base_offset), log_size_(log_size) {
  struct stat status {};
  int error = 0;
  if (fd_.valid() && os::file_status(fd_.get(), status, error) && S_ISREG(status.st_mode)) {
    entries_ = static_cast<std::uint64_t>(status.st_size) / kEntry;
  }
}

std::optional<IndexEntry> IndexFile::entry(std::uint64_t number) const {
  std::array<char, kEntry> bytes;
  const os::IoResult result = os::read_at(fd_.get(), bytes, number * kEntry);
  if (!result.ok() || result.bytes != bytes.size()) return std::nullopt;
  const auto offset = load_big_endian<std::int32_t>(bytes.data());
  const auto position = load_big_endian<std::int32_t>(bytes.data() + 4);
  if (offset < 0 || base_offset_ > std::numeric_limits<std::int64_t>::max() - offset) return std::nullopt;
  if (position <= 0 || static_cast<std::uint64_t>(position) >= log_size_) return std::nullopt;
  return IndexEntry{.offset = base_offset_ + offset, .position = static_cast<std::uint64_t>(position)};
}

template <typename In>
std::optional<IndexEntry> IndexFile::last(In in) const {
  std::optional<IndexEntry> found;
  std::uint64_t low = 0, high = entries_;
  // A live index has room for a million entries, and few of them: the steps grow until one is too far.
  for (std::uint64_t step = 0; low < high;) {
    const std::uint64_t middle = std::min(low + step, low + (high - low) / 2);
    step = 2 * step + 1;
    const auto here = entry(middle);
    if (here && in(*here)) {
      found = here;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return found;
}

std::optional<IndexEntry> IndexFile::at_or_below(std::int64_t offset) const {
  return last([&](const IndexEntry& entry) { return entry.offset <= offset; });
}

std::optional<IndexEntry> IndexFile::before(std::uint64_t position) const {
  return last([&](const IndexEntry& entry) { return entry.position < position; });
}

}  // namespace sluice::log
