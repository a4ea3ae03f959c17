// What a request for a log asks: TOPIC/PARTITION?offset=...&format=...&max_bytes=...&follow
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::content {

enum class LogFormat : std::uint8_t {
  kBatches,  // as they are stored
  kText,     // a line for each record: its value
  kJson,     // a line for each record: an object
};

struct LogQuery {
  enum class From : std::uint8_t { kEarliest, kLatest, kOffset, kLast };

  std::string_view topic;                 // empty: all of them
  std::optional<std::int32_t> partition;  // empty: the topic itself
  From from = From::kEarliest;
  std::int64_t number = 0;  // kOffset: the first record; kLast: how many
  LogFormat format = LogFormat::kBatches;
  std::uint64_t most = UINT64_MAX;  // stored bytes; the first batch is whole in any case
  bool follow = false;
};

// `path`: below the handler's, "/TOPIC/0". `out` borrows from it. Returns what is wrong, naming the parameter; empty:
// nothing. A path that can't be one leaves out.partition and out.topic empty, and `found` false.
std::string read_log_query(std::string_view path, std::string_view query, LogQuery& out, bool& found);

}  // namespace sluice::content
