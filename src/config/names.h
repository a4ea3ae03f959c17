// The words that stand for enumerators in a file and on the command line.
#pragma once

#include <array>
#include <string_view>

#include "config/config.h"

namespace sluice::config {

template <typename Enum>
struct Name {
  std::string_view text;
  Enum value;
};

inline constexpr auto kPathNames = std::to_array<Name<Path>>({
    {"auto", Path::kAuto},
    {"buffered", Path::kBuffered},
    {"splice", Path::kSplice},
    {"sendfile", Path::kSendfile},
});
inline constexpr auto kForwardedNames = std::to_array<Name<Forwarded>>({
    {"off", Forwarded::kOff},
    {"x", Forwarded::kX},
    {"rfc7239", Forwarded::kRfc7239},
    {"both", Forwarded::kBoth},
});
inline constexpr auto kHostHeaderNames = std::to_array<Name<HostHeader>>({
    {"client", HostHeader::kClient},
    {"upstream", HostHeader::kUpstream},
});
inline constexpr auto kProtocolNames = std::to_array<Name<Protocol>>({
    {"http", Protocol::kHttp},
    {"tcp", Protocol::kTcp},
});
// Not an enum of ours: the log library reads the word.
inline constexpr auto kLogLevels =
    std::to_array<std::string_view>({"trace", "debug", "info", "warn", "error", "critical", "off"});

}  // namespace sluice::config
