// The indexes of one segment, held against its batches as these pass by.
//
//   .index      an entry leads to the begin of a batch, and its offset is the last one of that batch, or of a later one that was
//               written together with it
//   .timeindex  an entry's timestamp is the largest of all batches that begin up to its offset
//
// Thread    one.
// Errors    what is wrong is told; a file that is not there as well.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "log/batch.h"
#include "log/names.h"

namespace sluice::log {

class IndexCheck {
 public:
  using Tell = std::function<void(FileKind, std::uint64_t position, std::string what)>;

  // Reads both files. Do that before looking where the log ends: whatever they say must be in it then.
  IndexCheck(const std::string& directory, std::int64_t base_offset, Tell tell);

  void pass(const BatchHead& head, std::uint64_t position);  // the next batch
  void end(std::int64_t next_offset);                        // of the log: none is left

 private:
  // Entries are taken from the front. Behind the last one may be zeros: room that a broker reserves.
  struct Entries {
    FileKind kind;
    std::size_t width;
    std::string text;
    std::size_t at = 0;
    [[nodiscard]] const char* first() const noexcept;  // null: no more
  };
  struct OffsetEntry {
    std::int64_t offset;
    std::uint64_t position;
  };
  struct TimeEntry {
    std::int64_t timestamp, offset;
  };

  void read(const std::string& directory, Entries& entries);
  [[nodiscard]] std::optional<OffsetEntry> first_offset() const noexcept;
  [[nodiscard]] std::optional<TimeEntry> first_time() const noexcept;
  void wrong(const Entries& entries, std::string what);
  void take_offset(const BatchHead* batch, std::uint64_t position);
  void take_time();

  const std::int64_t base_offset_;
  const Tell tell_;
  Entries offsets_{.kind = FileKind::kOffsetIndex, .width = 4 + 4};
  Entries times_{.kind = FileKind::kTimeIndex, .width = 8 + 4};
  OffsetEntry last_offset_{-1, 0};  // entries taken
  TimeEntry last_time_{kNoTimestamp, -1};
  std::int64_t youngest_ = kNoTimestamp;  // of the batches that passed
};

}  // namespace sluice::log
