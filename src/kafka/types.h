// What messages carry beside numbers, text and lists.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "relay/body.h"

namespace sluice::kafka {

using Uuid = std::array<unsigned char, 16>;  // all zero: none

inline constexpr std::size_t kLongestString = 0x7fff;  // bytes; a longer one is cut when it is written

// "authorized operations" that nobody asked for.
inline constexpr std::int32_t kOperationsNotAsked = -0x7fffffff - 1;

// Record batches, which are sent as they stand in files. Whoever decodes a message learns their size only.
struct Records {
  std::vector<relay::FileRange> ranges;
  std::uint64_t bytes = 0;  // of all ranges: what the length before them says
};

}  // namespace sluice::kafka
