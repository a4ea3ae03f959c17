// A segment that is open: its file, mapped, and its index.
//
// The mappings reach beyond the files' ends, so that a live segment can grow for a while without others.
// Thread    the loop's, once open() has given it; its files may be read by jobs as well.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "log/index.h"
#include "log/segment.h"
#include "log/view.h"
#include "os/mapped_file.h"
#include "relay/file.h"

namespace sluice::log {

// A file, mapped with room to grow.
struct Mapped {
  std::shared_ptr<relay::File> file;
  os::MappedFile memory;
  std::uint64_t size = 0, inode = 0;  // when it was opened

  // errno, or 0. Blocks. `room`: bytes behind its end; also what an empty file gets.
  int open(const std::string& path, std::uint64_t room);
};

class OpenSegment {
 public:
  enum class Index : std::uint8_t {
    kAsFound,    // the file's; where there is none, or an implausible one, as below
    kCompleted,  // what it lacks is found by reading through the segment
    kAnew,       // likewise from the beginning: the file lies
  };

  // Blocks. Null: `error`, errno; ESTALE when the file is not the one any more that `view` tells of.
  static std::shared_ptr<OpenSegment> open(const std::string& directory, const SegmentView& view, Index index,
                                           int& error);

  // Whether this is what `view` tells of, and reaches that far. Takes up what the index has got since.
  bool matches(const SegmentView& view) noexcept;

  [[nodiscard]] const std::shared_ptr<relay::File>& file() const noexcept { return log_.file; }
  // Null: the index is in memory of our own.
  [[nodiscard]] const std::shared_ptr<relay::File>& index_file() const noexcept { return index_file_.file; }
  [[nodiscard]] std::uint64_t index_size() const noexcept { return index_.entries() * OffsetIndex::kEntry; }
  // That nothing is better to be had than this index: not of the first `size` bytes, or not at all.
  [[nodiscard]] bool completed(std::uint64_t size) const noexcept { return own_ && indexed_ >= size; }
  [[nodiscard]] bool indexed_anew() const noexcept { return anew_; }

  // To be used under os::guarded(), both. `size`: as of the view.
  [[nodiscard]] std::string_view log() const noexcept { return log_.memory.bytes(); }
  [[nodiscard]] SegmentLookup lookup(std::uint64_t size, Pages* pages) const noexcept {
    return SegmentLookup(log_.memory.bytes().substr(0, size), base_, index_, pages);
  }

  // Where stretches found before ended, for that is where the next look-up begins.
  [[nodiscard]] std::optional<std::uint64_t> recall(std::int64_t offset) const noexcept;
  void remember(std::int64_t offset, std::uint64_t position) noexcept;

 private:
  struct End {
    std::int64_t offset = -1;
    std::uint64_t position = 0;
  };

  void open_index(const std::string& directory, Index index);

  std::int64_t base_ = 0;
  Mapped log_, index_file_;
  std::string built_;  // entries in place of the file's
  OffsetIndex index_;
  std::uint64_t indexed_ = 0;        // bytes of the log that the index knows of
  bool own_ = false, anew_ = false;  // the index is built_; nothing of it is the file's
  std::array<End, 8> ends_{};
  std::size_t next_end_ = 0;
};

}  // namespace sluice::log
