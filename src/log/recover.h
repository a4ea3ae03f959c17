// Where a segment really ends, and indexes that fit it: what a writer wants to know before it goes on.
//
// A crash may leave half a batch at the end of the last segment, an index entry short, or none at all. What is behind the
// last index entry is read and its CRCs are checked; the file is cut behind the last right batch. Whoever lost power, and
// not only the process, may have lost more: `log verify` reads everything.
// Errors    std::runtime_error when something can't be read, cut or written. Nothing is cut for that.
// Thread    one, which may wait for a disk.
#pragma once

#include <cstdint>
#include <string>

#include "log/index_writer.h"
#include "os/unique_fd.h"

namespace sluice::log {

struct Recovered {
  std::uint64_t cut = 0;         // bytes behind the last whole, right batch that were taken away
  bool indexes_rebuilt = false;  // of any segment
};

struct SegmentEnd {
  std::uint64_t size = 0;
  std::int64_t next_offset = 0;
};

// The last segment, which is going to be appended to: `log` is its file `path`.
SegmentEnd recover_active(int log, const std::string& path, std::int64_t base_offset, IndexWriter& indexes,
                          Recovered& told);

// One before it: its indexes are made anew where one is missing or ends in the middle of an entry, or where the last time is
// not there, which is written when a segment is left. Its log stays as it is.
void mend_sealed(const std::string& directory, std::int64_t base_offset, std::uint64_t index_interval,
                 Recovered& told);

}  // namespace sluice::log
