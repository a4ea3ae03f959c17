// `sluice log append`: lines that come in become the records of a partition.
//
// Lines wait for company until their batch is large enough or its first line has waited for `linger`. The end of input, or a
// signal (SIGINT, SIGTERM, SIGHUP), writes what waits and ends it in order.
// Bounded   one batch, one line, one piece of input.
// Thread    the main one; it waits for input and for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

#include "base/bytes.h"
#include "log/batch.h"
#include "log/writer.h"

namespace sluice::app {

struct LogAppend {
  std::string directory, topic;
  std::int32_t partition = 0;
  std::string
      key_separator;  // "": lines are values; else what stands between key and value, at its first place
  log::Codec codec = log::Codec::kNone;
  std::chrono::milliseconds linger{100};
  std::uint64_t batch_bytes = 128_KiB;  // before compression; at most half a segment
  std::uint64_t line_bytes = 1_MiB;     // the longest line; likewise
  log::WriterOptions writer;
};

// From `input`, a descriptor, until its end. The exit code; what was done is told to `err`.
int append_lines(const LogAppend& wanted, int input, std::ostream& err);

}  // namespace sluice::app
