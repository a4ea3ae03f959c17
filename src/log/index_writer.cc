#include "log/index_writer.h"

#include <sys/types.h>

#include <array>
#include <concepts>

#include "base/big_endian.h"
#include "log/file_error.h"
#include "log/names.h"
#include "os/file.h"
#include "os/write_file.h"

namespace sluice::log {

namespace {

constexpr std::size_t kOffsetEntry = 4 + 4, kTimeEntry = 8 + 4;

template <std::integral T>
void put(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes;
  store_big_endian(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

// Brokers make these files larger than they are, and the rest zero.
bool zeros(std::string_view bytes) noexcept {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

std::string IndexWriter::File::read() {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const os::IoResult result =
        os::read_at(fd.get(), std::span(text.data() + have, text.size() - have), have);
    if (!result.ok()) fail(path, result.error);
    if (result.bytes == 0) break;
    have += result.bytes;
  }
  text.resize(have);
  return text;
}

void IndexWriter::File::cut(std::uint64_t to) {
  waiting.clear();
  if (to == size) return;
  fail_unless_done(path, os::resize(fd.get(), to));
  size = to;
}

int IndexWriter::File::write() noexcept {
  if (waiting.empty()) return 0;
  const os::IoResult result = os::write_at(fd.get(), waiting, size);
  if (!result.ok()) {
    // Half an entry would shift all that follow. Where it can't be taken away the next try overwrites it.
    (void)os::resize(fd.get(), size);
    return result.error;
  }
  size += waiting.size();
  waiting.clear();
  return 0;
}

IndexWriter::IndexWriter(const std::string& directory, std::int64_t base_offset, std::uint64_t interval)
    : base_offset_(base_offset), interval_(interval) {
  offsets_.path = path_of(directory, base_offset, FileKind::kOffsetIndex);
  times_.path = path_of(directory, base_offset, FileKind::kTimeIndex);
  for (File* const file : {&offsets_, &times_}) {
    os::FileOr opened = os::open_to_write(file->path);
    fail_unless_done(file->path, opened.error);
    file->fd = std::move(opened.fd);
    struct stat status {};
    int error = 0;
    if (!os::file_status(file->fd.get(), status, error)) fail(file->path, error);
    file->size = static_cast<std::uint64_t>(status.st_size);
  }
}

bool IndexWriter::load(std::uint64_t log_size) {
  const std::string offsets = offsets_.read(), times = times_.read();
  last_.reset();
  last_time_ = youngest_ = {};
  bytes_since_ = 0;
  if (offsets.size() % kOffsetEntry != 0 || times.size() % kTimeEntry != 0) return false;

  std::size_t at = 0;
  for (; at < offsets.size() && !zeros(std::string_view(offsets).substr(at, kOffsetEntry));
       at += kOffsetEntry) {
    const char* const entry = offsets.data() + at;
    const OffsetEntry next{.offset = base_offset_ + load_big_endian<std::int32_t>(entry),
                           .position = load_big_endian<std::uint32_t>(entry + 4)};
    const OffsetEntry before = last_.value_or(OffsetEntry{.offset = base_offset_, .position = 0});
    if (next.offset <= before.offset || next.position <= before.position || next.position >= log_size)
      return false;
    last_ = next;
  }
  std::size_t time_at = 0;
  for (; time_at < times.size() && !zeros(std::string_view(times).substr(time_at, kTimeEntry));
       time_at += kTimeEntry) {
    const char* const entry = times.data() + time_at;
    const TimeEntry next{.timestamp = load_big_endian<std::int64_t>(entry),
                         .offset = base_offset_ + load_big_endian<std::int32_t>(entry + 8)};
    if (next.timestamp <= last_time_.timestamp || next.offset < last_time_.offset) return false;
    last_time_ = next;
  }
  // Both get their entries together, the one of times before the other.
  if (last_ && last_time_.timestamp == kNoTimestamp) return false;
  if (!zeros(std::string_view(offsets).substr(at)) || !zeros(std::string_view(times).substr(time_at)))
    return false;
  offsets_.cut(at);
  times_.cut(time_at);
  youngest_ = last_time_;
  return true;
}

void IndexWriter::clear() {
  offsets_.cut(0);
  times_.cut(0);
  last_.reset();
  last_time_ = youngest_ = {};
  bytes_since_ = 0;
}

void IndexWriter::note(const BatchHead& head, std::uint64_t position) {
  if (head.max_timestamp > youngest_.timestamp)
    youngest_ = {.timestamp = head.max_timestamp, .offset = head.last_offset()};
  if (bytes_since_ > interval_) {
    add_time();
    put(offsets_.waiting, static_cast<std::uint32_t>(head.last_offset() - base_offset_));
    put(offsets_.waiting, static_cast<std::uint32_t>(position));
    last_ = OffsetEntry{.offset = head.last_offset(), .position = position};
    bytes_since_ = 0;
  }
  bytes_since_ += head.size();
}

void IndexWriter::note_end() { add_time(); }

void IndexWriter::add_time() {
  if (youngest_.timestamp <= last_time_.timestamp) return;
  put(times_.waiting, youngest_.timestamp);
  put(times_.waiting, static_cast<std::uint32_t>(youngest_.offset - base_offset_));
  last_time_ = youngest_;
}

// Times first: a look-up by offset is where recovery begins, and what was before it must be in both.
int IndexWriter::write() noexcept {
  const int error = times_.write();
  return error != 0 ? error : offsets_.write();
}

int IndexWriter::sync() noexcept {
  const int error = os::sync_file(times_.fd.get());
  return error != 0 ? error : os::sync_file(offsets_.fd.get());
}

}  // namespace sluice::log
