// Which libraries compress: for `sluice version` and bug reports. Of those that are loaded, not of the headers.
#pragma once

#include <string>

namespace sluice::content {

const char* loaded_zlib() noexcept;  // "1.2.13"
const char* loaded_zstd() noexcept;  // "1.5.4"
std::string loaded_brotli();         // "1.0.9"

}  // namespace sluice::content
