#include "observe/ending.h"

namespace sluice::observe {

static_assert(static_cast<std::size_t>(Ending::kInternal) + 1 == kEndings);

const char* name_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::kCompleted:
      return "completed";
    case Ending::kRefused:
      return "refused";
    case Ending::kClientGone:
      return "client-gone";
    case Ending::kClientHeadTimeout:
      return "client-head-timeout";
    case Ending::kClientBodyTimeout:
      return "client-body-timeout";
    case Ending::kClientBodyCut:
      return "client-body-cut";
    case Ending::kClientBodyMalformed:
      return "client-body-malformed";
    case Ending::kClientBodyTooLarge:
      return "client-body-too-large";
    case Ending::kClientStalled:
      return "client-stalled";
    case Ending::kNoServer:
      return "no-server";
    case Ending::kConnectFailed:
      return "connect-failed";
    case Ending::kConnectTimeout:
      return "connect-timeout";
    case Ending::kUpstreamGone:
      return "upstream-gone";
    case Ending::kUpstreamHeadTimeout:
      return "upstream-head-timeout";
    case Ending::kUpstreamHeadInvalid:
      return "upstream-head-invalid";
    case Ending::kUpstreamCut:
      return "upstream-cut";
    case Ending::kUpstreamMalformed:
      return "upstream-malformed";
    case Ending::kUpstreamStalled:
      return "upstream-stalled";
    case Ending::kFileCut:
      return "file-cut";
    case Ending::kFileFailed:
      return "file-failed";
    case Ending::kClientInvalid:
      return "client-invalid";
    case Ending::kTunnelIdle:
      return "tunnel-idle";
    case Ending::kTunnelFailed:
      return "tunnel-failed";
    case Ending::kDrained:
      return "drained";
    case Ending::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace sluice::observe
