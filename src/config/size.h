// Sizes as people write them: "16KiB", "1MiB", or a plain number of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

// A whole number, then nothing, "B", "KiB", "MiB" or "GiB". nullopt: `remedy` says what to write. "4k" and
// "4KB" are refused, because half of those who write them mean 1000.
std::optional<std::uint64_t> parse_size(std::string_view text, std::string& remedy);

// In the largest unit that needs no fraction; parse_size() reads it back.
std::string size_text(std::uint64_t bytes);

}  // namespace sluice::config
