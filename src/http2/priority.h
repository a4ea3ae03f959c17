// How urgent a response is. RFC 9218 section 4.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http2 {

struct Priority {
  std::uint8_t urgency = 3;  // 0 comes first, 7 last
  bool incremental = false;  // worth having in parts: shares with others of its urgency
  bool operator==(const Priority&) const = default;
};

// "u=1, i": a priority field, or what PRIORITY_UPDATE carries. Members that make no sense are skipped, and what is not
// said has its default.
Priority parse_priority(std::string_view field) noexcept;

}  // namespace sluice::http2
