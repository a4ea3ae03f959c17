// What the names in a log directory say.
//
//   <topic>-<partition>/00000000000000000042.log
//
// Source   the layout of Apache Kafka's brokers. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::log {

// A broker's own topics, which it tells clients apart: __consumer_offsets and its kin.
bool is_internal_topic(std::string_view topic) noexcept;

struct PartitionName {
  std::string_view topic;  // in the name that was read
  std::int32_t index = 0;
};

// Of no more partitions than this is a topic: a list of them has a place for each.
inline constexpr std::int32_t kMostPartitions = 100'000;

// Nothing for what holds no partition for clients: anything else, one on its way out or in ("t-0.<hex>-delete", "-future",
// "-stray"), and KRaft's __cluster_metadata.
std::optional<PartitionName> partition_named(std::string_view directory) noexcept;
std::string directory_of(std::string_view topic, std::int32_t index);

enum class FileKind : std::uint8_t { kLog, kOffsetIndex, kTimeIndex, kTransactionIndex, kSnapshot };

struct LogFileName {
  std::int64_t offset = 0;  // of a segment: its base; of a snapshot: the offset it was made at
  FileKind kind = FileKind::kLog;
};

// Nothing for other files, among them what a broker is about to delete or to put in place (".deleted", ".cleaned", ".swap").
std::optional<LogFileName> log_file_named(std::string_view file) noexcept;
std::string file_of(std::int64_t offset, FileKind kind);
// "<directory>/<file>"
std::string path_of(std::string_view directory, std::int64_t offset, FileKind kind);

}  // namespace sluice::log
