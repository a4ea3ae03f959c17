#include "observe/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace sluice::observe {

void start_log(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

// The logger stays the same: others may be writing to it now.
void set_log_level(const std::string& level) {
  auto severity = spdlog::level::from_str(level);
  if (severity == spdlog::level::off && level != "off") severity = spdlog::level::info;
  spdlog::default_logger_raw()->set_level(severity);
}

std::optional<std::uint64_t> Throttle::pass(os::Time now) noexcept {
  if (last_ && now - *last_ < every_) {
    ++held_;
    return std::nullopt;
  }
  last_ = now;
  return std::exchange(held_, 0);
}

}  // namespace sluice::observe
