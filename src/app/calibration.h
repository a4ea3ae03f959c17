// What was measured of the paths, and where they cross. Pure: no clock, no file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sluice::app {

// One size by one path.
struct Samples {
  std::vector<double> ns;  // processor time of a body, a round each
  [[nodiscard]] double median() const { return quantile(0.5); }
  // What lies between the quartiles, as a part of the median: 0.1 is a tenth.
  [[nodiscard]] double spread() const;
  [[nodiscard]] double quantile(double part) const;  // 0 where there is none
};

struct Curve {
  struct Row {
    std::uint64_t size;
    std::vector<Samples> by_path;  // as in `paths`
  };
  std::string name;                // "socket", "file"
  std::vector<std::string> paths;  // the first copies, the second is what a threshold decides about
  std::vector<Row> rows;           // by size, the smallest first
};

// The threshold that costs least over all sizes: where the curves cross once, the crossing. A single size that noise, or a
// quirk of the kernel, has on the wrong side does not move it, but is told.
struct Crossing {
  std::uint64_t least = 8_KiB;  // from here on the second path
  enum class Kind : std::uint8_t {
    kCrosses,
    kAlways,  // ... costs no more from the smallest size that was measured
    kNever,   // ... costs more, even for the largest: `least` is more than any body has
    kUnknown  // nothing was measured: `least` is the built-in one
  } kind = Kind::kUnknown;
  std::string doubt;  // why the number may be another one tomorrow; "" no reason
};

inline constexpr std::uint64_t kNoBodySoLarge = 1_GiB;

Crossing crossing_of(const Curve& curve);

// The curve as a table for people, and the crossing in a sentence.
std::string told(const Curve& curve, const Crossing& crossing);

struct Calibration {
  std::vector<Curve> curves;
  std::uint64_t splice_min = 8_KiB, sendfile_min = 8_KiB;
  std::string kernel, processor, date, version;
};
// The file that config/thresholds.h reads.
std::string file_text(const Calibration& calibration);

}  // namespace sluice::app
