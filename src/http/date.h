// HTTP dates: IMF-fixdate written and read, the two obsolete forms read. RFC 9110 section 5.6.7.
#pragma once

#include <ctime>
#include <optional>
#include <string_view>

namespace sluice::http {

inline constexpr std::size_t kDateSize = 29;
// Writes exactly kDateSize bytes. Seconds since the epoch, UTC.
void write_date(char* out, std::time_t seconds) noexcept;
std::optional<std::time_t> parse_date(std::string_view text) noexcept;

}  // namespace sluice::http
