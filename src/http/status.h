// Reason phrases. RFC 9110 section 15.
#pragma once

#include <string_view>

namespace sluice::http {
std::string_view reason_phrase(int status) noexcept;  // "" for an unknown status
}
