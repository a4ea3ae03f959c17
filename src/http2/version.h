// Which nghttp2 frames HTTP/2: for `sluice version` and bug reports.
#pragma once

namespace sluice::http2 {

const char* nghttp2_version() noexcept;  // "1.52.0"; of the library that is loaded, not of the headers

}  // namespace sluice::http2
