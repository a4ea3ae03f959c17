#include "content/version.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>

namespace sluice::content {

const char* loaded_zlib() noexcept { return ::zlibVersion(); }

const char* loaded_zstd() noexcept { return ::ZSTD_versionString(); }

std::string loaded_brotli() {
  const std::uint32_t v = ::BrotliEncoderVersion();  // 8 bits, 12, 12: brotli/encode.h
  return std::to_string(v >> 24) + "." + std::to_string(v >> 12 & 0xfff) + "." + std::to_string(v & 0xfff);
}

}  // namespace sluice::content
