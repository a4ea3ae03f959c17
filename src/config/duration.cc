#include "config/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

#include "config/mistakes.h"

namespace sluice::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr auto kUnits = std::to_array<Unit>({{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}});
constexpr std::string_view kForm = R"(write a whole number and a unit (ms, s, m, h), such as "10s")";

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, std::string& remedy) {
  const std::string quoted = in_quotes(text);
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit_begin, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    remedy = quoted + " is too long";
    return std::nullopt;
  }
  if (error != std::errc() || number < 0) {
    remedy = quoted + " is no duration: " + std::string(kForm);
    return std::nullopt;
  }
  const std::string_view unit_name(unit_begin, static_cast<std::size_t>(end - unit_begin));
  const std::string digits(text.data(), static_cast<std::size_t>(unit_begin - text.data()));
  if (unit_name.empty()) {
    remedy = digits + " has no unit: write \"" + digits + "s\" or \"" + digits + "ms\"";
    return std::nullopt;
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.ms) {
      remedy = quoted + " is too long";
      return std::nullopt;
    }
    return std::chrono::milliseconds(number * unit.ms);
  }
  remedy = unit_name.front() == '.' ? quoted + " has a fraction: write it in a smaller unit, 1500ms for 1.5s"
                                    : quoted + " is no duration: " + std::string(kForm);
  return std::nullopt;
}

std::string duration_text(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (ms % unit.ms == 0) return std::to_string(ms / unit.ms) + std::string(unit.name);
  }
  return std::to_string(ms) + "ms";
}

}  // namespace sluice::config
