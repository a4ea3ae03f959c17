// From which size on the kernel moves a body's bytes, and who says so.
//
// In this order: a route's splice_min and sendfile_min; its "thresholds"; those of the top level. "built-in" is a number in
// this file; "measured" is what `sluice calibrate` found and wrote; "auto" begins with the built-in ones and learns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "config/config.h"
#include "config/mistakes.h"

namespace sluice::config {

inline constexpr std::uint64_t kBuiltInMin = 8_KiB;  // of either

struct Least {
  std::uint64_t size = kBuiltInMin;  // bytes; where it is learnt, where learning begins
  bool learnt = false;
};
Least splice_least(const Relay& relay, const Config& config) noexcept;
Least sendfile_least(const Relay& relay, const Config& config) noexcept;

// Whether any number comes from the file.
bool uses_measured(const Config& config) noexcept;

// The file's name: the configured one, or "thresholds.json" where services keep state. "": there is no such place.
std::string thresholds_file(const Config& config);

// Reads it; blocks. What is wrong with it is a mistake at the word that asked for it.
Measured read_measured(const Config& config, Mistakes& mistakes);

// A text as `sluice calibrate` writes it. `place`: for what is wrong in it.
Measured parse_measured(std::string_view text, const std::string& place, Mistakes& mistakes);

// What people should know: the file is another machine's. "": it fits, or nothing uses it.
std::string measured_elsewhere(const Config& config);

}  // namespace sluice::config
