#include "app/log_upkeep.h"

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <limits>
#include <stdexcept>
#include <vector>

#include "app/cli.h"
#include "config/size.h"
#include "log/file_error.h"
#include "log/names.h"
#include "log/partition_scan.h"
#include "log/uuid.h"
#include "log/verify.h"
#include "os/list_directory.h"

namespace sluice::app {

namespace {

struct Place {
  std::string topic;
  std::int32_t index;
  std::string name, path;
};

// By topic and partition. There is at least one, or std::runtime_error says that there is not.
std::vector<Place> places(const LogScope& scope) {
  std::vector<std::string> names;
  log::fail_unless_done(scope.directory, os::list_directory(scope.directory, names));
  std::vector<Place> found;
  for (const std::string& name : names) {
    const auto partition = log::partition_named(name);
    if (!partition || (!scope.topic.empty() && partition->topic != scope.topic) ||
        (scope.partition && partition->index != *scope.partition))
      continue;
    found.push_back({.topic = std::string(partition->topic),
                     .index = partition->index,
                     .name = name,
                     .path = scope.directory + '/' + name});
  }
  std::sort(found.begin(), found.end(), [](const Place& a, const Place& b) {
    return std::tie(a.topic, a.index) < std::tie(b.topic, b.index);
  });
  if (found.empty() && !scope.topic.empty()) {
    throw std::runtime_error(scope.directory + ": no " +
                             (scope.partition ? log::directory_of(scope.topic, *scope.partition)
                                              : "partition of a topic \"" + scope.topic + '"'));
  }
  return found;
}

std::uint64_t bytes_of(const log::PartitionView& view) {
  std::uint64_t bytes = 0;
  for (const log::SegmentView& segment : view.segments) bytes += segment.size;
  return bytes;
}

}  // namespace

int list_logs(const LogScope& scope, bool json, std::ostream& out) {
  const std::vector<Place> found = places(scope);
  std::size_t widest = 5;
  for (const Place& place : found) widest = std::max(widest, place.topic.size());
  const auto row = [&](const auto& topic, const auto& partition, const auto& start, const auto& end,
                       const auto& bytes, const auto& segments) {
    out << std::left << std::setw(static_cast<int>(widest)) << topic << std::right << std::setw(11)
        << partition << std::setw(14) << start << std::setw(14) << end << std::setw(16) << bytes
        << std::setw(10) << segments << '\n';
  };
  if (!json) row("topic", "partition", "first offset", "next offset", "bytes", "segments");
  for (const Place& place : found) {
    log::PartitionScan scan(place.path, {.topic = place.topic, .index = place.index});
    log::Looked look = scan.look();
    while (look.error == 0 && scan.behind()) look = scan.catch_up(std::numeric_limits<std::size_t>::max());
    if (look.error == ENOENT) continue;  // just deleted
    log::fail_unless_done(place.path, look.error);
    const log::PartitionView view = scan.view() ? *scan.view() : log::PartitionView{};
    if (!json) {
      row(place.topic, place.index, view.log_start, view.end, bytes_of(view), view.segments.size());
      continue;
    }
    out << R"({"topic":")" << place.topic << R"(","partition":)" << place.index << R"(,"log_start":)"
        << view.log_start << R"(,"end":)" << view.end << R"(,"last_stable":)" << view.last_stable
        << R"(,"bytes":)" << bytes_of(view) << R"(,"segments":)" << view.segments.size();
    if (scan.topic_id() != log::Uuid{}) out << R"(,"topic_id":")" << log::uuid_text(scan.topic_id()) << '"';
    out << "}\n";
  }
  return kExitOk;
}

int verify_logs(const LogScope& scope, bool strict, std::ostream& out) {
  std::uint64_t errors = 0;
  log::Verified all;
  const std::vector<Place> found = places(scope);
  for (const Place& place : found) {
    const log::Verified told = log::verify_partition(place.path, [&](const log::Finding& finding) {
      const bool error = strict || !finding.torn;
      if (error) ++errors;
      out << (error ? "error: " : "note: ") << place.name << '/' << finding.file << ':' << finding.position
          << ": " << finding.what << '\n';
    });
    all.segments += told.segments;
    all.batches += told.batches;
    all.records += told.records;
    all.bytes += told.bytes;
  }
  out << "partitions: " << found.size() << "  segments: " << all.segments << "  batches: " << all.batches
      << "  records: " << all.records << "  bytes: " << all.bytes << "  wrong: " << errors << '\n';
  return errors == 0 ? kExitOk : kExitRuntime;
}

int trim_logs(const LogScope& scope, const log::TrimRule& rule, std::ostream& out) {
  for (const Place& place : places(scope)) {
    const log::TrimResult result = log::trim_partition(scope.directory, place.path, rule);
    for (const log::Trimmed& segment : result.gone)
      out << place.name << ": " << log::file_of(segment.base_offset, log::FileKind::kLog) << " is gone, "
          << segment.size << " bytes\n";
    out << place.name << ": begins at offset " << result.log_start << '\n';
  }
  return kExitOk;
}

}  // namespace sluice::app
