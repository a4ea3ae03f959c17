#include "config/size.h"

#include <array>
#include <charconv>
#include <limits>

#include "config/mistakes.h"

namespace sluice::config {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr auto kUnits = std::to_array<Unit>({{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}});

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text, std::string& remedy) {
  const std::string quoted = in_quotes(text);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit_begin, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    remedy = quoted + " is too large";
    return std::nullopt;
  }
  const std::string_view unit_name(unit_begin, static_cast<std::size_t>(end - unit_begin));
  if (error == std::errc()) {
    if (unit_name.empty()) return number;
    for (const Unit& unit : kUnits) {
      if (unit.name != unit_name) continue;
      if (number > (std::numeric_limits<std::uint64_t>::max() >> unit.shift)) {
        remedy = quoted + " is too large";
        return std::nullopt;
      }
      return number << unit.shift;
    }
    // "4k", "4K", "4KB", "4kb": the first letter says which power was meant, if not of what.
    for (const Unit& unit : kUnits) {
      const bool same_letter = (unit_name.front() | 0x20) == (unit.name.front() | 0x20);
      if (unit.shift == 0 || !same_letter || unit_name.size() > 3) continue;
      const std::string digits(text.data(), static_cast<std::size_t>(unit_begin - text.data()));
      remedy = quoted + " may mean 1000 or 1024: write \"" + digits + std::string(unit.name) + "\"";
      return std::nullopt;
    }
  }
  remedy =
      quoted + R"( is no size: write bytes, or a whole number and a unit (KiB, MiB, GiB), such as "16KiB")";
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : kUnits) {
    if (unit.shift == 0 || bytes == 0) break;
    if ((bytes & ((std::uint64_t{1} << unit.shift) - 1)) == 0) {
      return std::to_string(bytes >> unit.shift) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

}  // namespace sluice::config
