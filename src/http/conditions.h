// Preconditions on a file's validators, in the order RFC 9110 section 13.2.2 prescribes. Pure.
#pragma once

#include <ctime>
#include <string_view>

#include "http/head.h"

namespace sluice::http {

struct Validators {
  std::string_view etag = {};  // with quotes; strong
  std::time_t modified = 0;
};

enum class Condition : std::uint8_t { kProceed, kNotModified, kFailed };  // 200, 304, 412

// For GET and HEAD. Several fields of one name are one list.
Condition evaluate_conditions(const RequestHead& head, const Validators& file) noexcept;

// Whether a Range field is to be obeyed: no If-Range, or one that matches (strong comparison,
// section 13.1.5).
bool range_applies(const RequestHead& head, const Validators& file) noexcept;

}  // namespace sluice::http
