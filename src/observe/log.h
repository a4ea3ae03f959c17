// The error log: what people must know, on standard error. Written with spdlog's own functions.
//
// Not for the path of a request, which has the access log and the counters: writing here may block.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "os/clock.h"

namespace sluice::observe {

// `level`: "trace", "debug", "info", "warn", "error", "critical" or "off"; what is none of them means "info".
// Once, before there are other threads.
void start_log(const std::string& level);
void set_log_level(const std::string& level);  // any thread

// Lets one message through and holds the next ones back for a while. For what can repeat a thousand times a
// second.
// Thread   its owner's.
class Throttle {
 public:
  explicit Throttle(std::chrono::milliseconds every) noexcept : every_(every) {}

  // A value: write the message; so many like it were held back since the last one.
  std::optional<std::uint64_t> pass(os::Time now) noexcept;

 private:
  const std::chrono::milliseconds every_;
  std::optional<os::Time> last_;
  std::uint64_t held_ = 0;
};

}  // namespace sluice::observe
