// One body being compressed: zlib, libbrotli and libzstd behind one step.
//
// Memory    one body at a time, and bounded whatever its size: gzip 0.3 MiB, zstd 1.8 MiB, brotli 1.7 MiB at their
//           default levels; less where the body's length is known and small.
// Units     bytes. Thread: one at a time.
// Errors    begin(): false, out of memory. step(): Progress::failed, likewise; the body can't go on.
// Source    RFC 1952 (gzip), RFC 7932 (brotli), RFC 8878 and RFC 9659 (zstd: windows of at most 8 MiB).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "config/config.h"

namespace sluice::content {

enum class Flush : std::uint8_t {
  kNone,  // as it compresses best
  kSync,  // what came out so far can be decoded up to the last byte given
  kEnd,   // the body ends here
};

struct Progress {
  std::size_t taken = 0;  // of the input
  std::size_t made = 0;   // of the output
  bool complete = false;  // kNone: all input was taken; kSync and kEnd: and nothing waits inside
  bool failed = false;
};

class Compressor {
 public:
  Compressor() noexcept = default;
  virtual ~Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  [[nodiscard]] virtual config::Coding coding() const noexcept = 0;
  // A new body. `level`: the library's own scale, 0 our default; what is out of its range is brought into it.
  // `length`: the body has exactly so many bytes.
  [[nodiscard]] virtual bool begin(unsigned level, std::optional<std::uint64_t> length) noexcept = 0;
  // Whether it is worth keeping for another body, at the cost of its memory.
  [[nodiscard]] virtual bool reusable() const noexcept = 0;
  // Moves on by at least a byte, in or out, or is complete, where there are 16 bytes of room. A flush that was begun
  // goes on with the same words and no further input until it is complete.
  virtual Progress step(std::span<const char> in, std::span<char> out, Flush flush) noexcept = 0;
};

}  // namespace sluice::content
