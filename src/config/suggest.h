// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sluice::config {

// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`. Case is ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, or "" when none is near enough to be what was meant.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace sluice::config
