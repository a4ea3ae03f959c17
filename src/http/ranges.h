// Byte ranges. RFC 9110 section 14.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::http {

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class RangeAnswer : std::uint8_t {
  kWhole,  // ignore the field: another unit, malformed, or so many or overlapping ranges that it is an attack
  kParts,  // 206 with `out`
  kNotSatisfiable  // 416
};

// `value` is the field's value, `size` the length of the representation. At most 16 ranges are served; more,
// or ranges that together exceed `size`, are kWhole. Order is kept as asked.
RangeAnswer parse_ranges(std::string_view value, std::uint64_t size, std::vector<Range>& out);

}  // namespace sluice::http
