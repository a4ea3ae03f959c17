// The small text files that a broker keeps in a log directory and in each partition's.
//
// Errors    values; a file that is missing or can't be understood says nothing.
// Bounded   a text of up to kMostText bytes is read, none of a larger file.
// Thread    any; read_text() blocks.
// Source    Apache Kafka's CheckpointFile, PartitionMetadataFile and meta.properties.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "log/view.h"

namespace sluice::log {

inline constexpr std::size_t kMostText = 16u << 20;  // a line for each of 100,000 partitions fits well
std::optional<std::string> read_text(const std::string& path);

// log-start-offset-checkpoint and its kin. By "<topic>-<partition>", as the directories are named. Empty for a text of
// another version or with another number of lines than it tells: it is only half there.
std::map<std::string, std::int64_t, std::less<>> parse_offsets(std::string_view text);

// partition.metadata; all zero where it tells none.
Uuid parse_topic_id(std::string_view text) noexcept;

// The value of `key` in a text of Java properties, without escapes; empty where there is none.
std::string_view property(std::string_view text, std::string_view key) noexcept;

}  // namespace sluice::log
