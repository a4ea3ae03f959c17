// The two indexes of one segment, written by the rule of Kafka's brokers: after more than `interval` bytes of log the next
// batch gets an entry, the first one of a segment never does.
//
//   .index      i32 last offset of the batch, less the base offset; i32 its position
//   .timeindex  i64 the largest timestamp so far; i32 last offset of the batch that has it, less the base offset
//
// An index is a help, no truth: one that can't be written now is written later, and one that is missing or can't be right
// is made anew from the log.
// Errors    std::runtime_error when the files can't be opened or cut.
// Thread    one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "log/batch.h"
#include "os/unique_fd.h"

namespace sluice::log {

class IndexWriter {
 public:
  struct OffsetEntry {
    std::int64_t offset = 0;
    std::uint64_t position = 0;
  };
  struct TimeEntry {
    std::int64_t timestamp = kNoTimestamp;
    std::int64_t offset = 0;
  };

  // Opens the files, or makes them.
  IndexWriter(const std::string& directory, std::int64_t base_offset, std::uint64_t interval);

  // Goes on from what is in the files: zeros behind the last entries are cut off. False: they can't belong to a log of
  // `log_size` bytes; clear() then.
  bool load(std::uint64_t log_size);
  // Empty, for the batches to be noted from the first one on.
  void clear();

  // The next batch of the log, and where it is. After load(): from last_entry()'s position on.
  void note(const BatchHead& head, std::uint64_t position);
  // The last word of a segment, or of a writer.
  void note_end();
  // Puts what was noted into the files. 0, or errno: then it waits for the next call.
  int write() noexcept;
  int sync() noexcept;

  [[nodiscard]] const std::optional<OffsetEntry>& last_entry() const noexcept { return last_; }
  [[nodiscard]] const TimeEntry& last_time() const noexcept { return last_time_; }

 private:
  struct File {
    std::string path;
    os::UniqueFd fd;
    std::uint64_t size = 0;
    std::string waiting;  // entries for its end
    std::string read();
    void cut(std::uint64_t to);
    int write() noexcept;
  };

  void add_time();

  const std::int64_t base_offset_;
  const std::uint64_t interval_;
  File offsets_, times_;
  std::optional<OffsetEntry> last_;
  TimeEntry last_time_;  // entry
  TimeEntry youngest_;   // batch so far
  std::uint64_t bytes_since_ = 0;
};

}  // namespace sluice::log
