// 206: one range, or several as multipart/byteranges. RFC 9110 sections 14.4, 14.6 and 15.3.7.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "content/open_files.h"
#include "http/ranges.h"
#include "relay/body.h"

namespace sluice::content {

struct Partial {
  std::string fields;        // Content-Type and, for one range, Content-Range
  relay::Body body;          // for several: memory and file pieces in turn
  std::uint64_t length = 0;  // of the body, exactly
};

// `boundary`: must not occur in the file, so it is random. `ranges` is not empty and lies within the file.
Partial partial_of(const OpenFile& file, std::span<const http::Range> ranges, std::string_view boundary);

// "bytes 0-9/100"
std::string content_range_of(const http::Range& range, std::uint64_t size);

}  // namespace sluice::content
