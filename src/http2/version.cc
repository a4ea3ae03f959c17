#include "http2/version.h"

#include <nghttp2/nghttp2.h>

namespace sluice::http2 {

const char* nghttp2_version() noexcept { return ::nghttp2_version(0)->version_str; }

}  // namespace sluice::http2
