// Durations as people write them: "250ms", "10s", "2m", "1h".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

// A whole number and its unit, nothing between. nullopt: `remedy` says what to write. A number without a unit
// is refused: seconds here, milliseconds there is how time-outs come out wrong by a thousand.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, std::string& remedy);

// In the largest unit that needs no fraction; parse_duration() reads it back.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace sluice::config
