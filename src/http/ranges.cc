#include "http/ranges.h"

#include <algorithm>
#include <limits>

#include "http/chars.h"
#include "http/fields.h"
#include "http/message.h"

namespace sluice::http {
namespace {

constexpr std::size_t kMaxRanges = 16;
constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

bool all_digits(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), is_digit); }

// Digits only, checked before; a number too large for 64 bits lies past every end anyway.
std::uint64_t number(std::string_view digits) noexcept { return parse_digits(digits, kHuge).value_or(kHuge); }

enum class Spec : std::uint8_t { kSatisfiable, kUnsatisfiable, kMalformed };

// "first-last", "first-" or "-suffix".
Spec parse_spec(std::string_view text, std::uint64_t size, Range& out) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return Spec::kMalformed;
  const std::string_view first = text.substr(0, dash), last = text.substr(dash + 1);
  if (!all_digits(first) || !all_digits(last) || (first.empty() && last.empty())) return Spec::kMalformed;
  if (first.empty()) {
    // The last bytes of an empty file are the whole of it, but no Content-Range can say so.
    if (size == 0 && number(last) > 0) return Spec::kMalformed;
    const std::uint64_t suffix = std::min(number(last), size);
    out = {.offset = size - suffix, .length = suffix};
    return suffix > 0 ? Spec::kSatisfiable : Spec::kUnsatisfiable;
  }
  const std::uint64_t begin = number(first), end = last.empty() ? kHuge : number(last);
  if (end < begin) return Spec::kMalformed;
  if (begin >= size) return Spec::kUnsatisfiable;
  out = {.offset = begin, .length = std::min(end, size - 1) - begin + 1};
  return Spec::kSatisfiable;
}

}  // namespace

RangeAnswer parse_ranges(std::string_view value, std::uint64_t size, std::vector<Range>& out) {
  out.clear();
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos) return RangeAnswer::kWhole;
  if (!equals_ignoring_case(value.substr(0, equals), "bytes")) return RangeAnswer::kWhole;

  std::size_t specs = 0;
  std::uint64_t left = size;  // what the ranges may still take together
  const bool served = for_each_token(value.substr(equals + 1), [&](std::string_view text) {
    Range range;
    if (++specs > kMaxRanges) return false;
    switch (parse_spec(text, size, range)) {
      case Spec::kMalformed:
        return false;
      case Spec::kUnsatisfiable:
        return true;
      case Spec::kSatisfiable:
        break;
    }
    // Ranges that repeat bytes multiply the response; an honest client never needs more than the whole.
    if (range.length > left) return false;
    left -= range.length;
    out.push_back(range);
    return true;
  });
  if (!served || specs == 0) {
    out.clear();
    return RangeAnswer::kWhole;
  }
  return out.empty() ? RangeAnswer::kNotSatisfiable : RangeAnswer::kParts;
}

}  // namespace sluice::http
