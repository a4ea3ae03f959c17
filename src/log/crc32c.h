// CRC-32C (Castagnoli), the checksum of record batches.
//
// Thread    any. Source: RFC 3720 appendix B.4 (polynomial and test values); Intel's CRC32 instruction (SSE4.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::log {

// In hardware where the processor has it. `crc`: of what came before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

// The same by tables, on any processor.
std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace sluice::log
