#include "log/trim.h"

#include <algorithm>

#include "log/batch_reader.h"
#include "log/file_error.h"
#include "log/names.h"
#include "log/partition_directory.h"
#include "os/file.h"

namespace sluice::log {

namespace {

struct stat status_of_log(const std::string& path) {
  struct stat status {};
  int error = 0;
  if (!os::status_of(path, status, error)) fail(path, error);
  return status;
}

// Read from the batches' heads: an index may be wrong about what we are going to delete.
std::int64_t youngest_in(const std::string& path, const struct stat& status) {
  const os::FileOr file = os::open_file(path);
  fail_unless_done(path, file.error);
  BatchReader batches(file.fd.get(), path, 0, static_cast<std::uint64_t>(status.st_size));
  std::int64_t youngest = kNoTimestamp;
  while (batches.next() == Scan::kBatch) youngest = std::max(youngest, batches.head().max_timestamp);
  return youngest != kNoTimestamp ? youngest : std::int64_t{status.st_mtim.tv_sec} * 1000;
}

}  // namespace

TrimResult trim_partition(const std::string& log_directory, const std::string& directory,
                          const TrimRule& rule) {
  const os::UniqueFd lock = lock_partition(log_directory, directory);
  std::vector<std::int64_t> segments = segments_in(directory);
  std::vector<struct stat> statuses;
  std::uint64_t behind = 0;  // bytes
  for (const std::int64_t base : segments) {
    statuses.push_back(status_of_log(path_of(directory, base, FileKind::kLog)));
    behind += static_cast<std::uint64_t>(statuses.back().st_size);
  }
  TrimResult result;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const std::string path = path_of(directory, segments[i], FileKind::kLog);
    const auto size = static_cast<std::uint64_t>(statuses[i].st_size);
    behind -= size;
    const bool goes = (rule.before && segments[i + 1] <= *rule.before) ||
                      (rule.keep_bytes && behind >= *rule.keep_bytes) ||
                      (rule.older_than && youngest_in(path, statuses[i]) < *rule.older_than);
    if (!goes) break;
    fail_unless_done(path, remove_segment(directory, segments[i]));
    result.gone.push_back({.base_offset = segments[i], .size = size});
  }
  if (!segments.empty()) result.log_start = segments[result.gone.size()];
  return result;
}

}  // namespace sluice::log
