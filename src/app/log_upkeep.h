// `sluice log list`, `verify` and `trim`: what a log directory holds, whether it is right, and making it smaller.
//
// Errors    std::runtime_error when something can't be read, or is in use.
// Thread    the main one; it waits for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "log/trim.h"

namespace sluice::app {

struct LogScope {
  std::string directory;
  std::string topic;                      // "" all
  std::optional<std::int32_t> partition;  // none: all
};

// A table, or a JSON object a partition and line. The exit code.
int list_logs(const LogScope& scope, bool json, std::ostream& out);

// Each finding on a line of `out`. kExitRuntime when there was one; a torn end counts only when `strict`.
int verify_logs(const LogScope& scope, bool strict, std::ostream& out);

// The rule holds for each partition by itself.
int trim_logs(const LogScope& scope, const log::TrimRule& rule, std::ostream& out);

}  // namespace sluice::app
