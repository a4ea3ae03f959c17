// The words that stand for enumerators in a file and on the command line.
#pragma once

#include <array>
#include <string_view>
#include <vector>

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
    {"mmap", Path::kMmap},
});
inline constexpr auto kThresholdsNames = std::to_array<Name<Thresholds>>({
    {"built-in", Thresholds::kBuiltIn},
    {"measured", Thresholds::kMeasured},
    {"auto", Thresholds::kAuto},
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
    {"kafka", Protocol::kKafka},
});
inline constexpr auto kTlsVersionNames = std::to_array<Name<TlsVersion>>({
    {"1.2", TlsVersion::k12},
    {"1.3", TlsVersion::k13},
});
inline constexpr auto kClientCertificatesNames = std::to_array<Name<ClientCertificates>>({
    {"off", ClientCertificates::kOff},
    {"optional", ClientCertificates::kOptional},
    {"required", ClientCertificates::kRequired},
});
inline constexpr auto kKernelTlsNames = std::to_array<Name<KernelTls>>({
    {"off", KernelTls::kOff},
    {"auto", KernelTls::kAuto},
});
inline constexpr auto kUpstreamProtocolNames = std::to_array<Name<UpstreamProtocol>>({
    {"http/1.1", UpstreamProtocol::kHttp1},
    {"h2", UpstreamProtocol::kHttp2},
});
// As in Content-Encoding: RFC 8878, RFC 7932, RFC 1952. In the order of preference.
inline constexpr auto kCodingNames = std::to_array<Name<Coding>>({
    {"zstd", Coding::kZstd},
    {"br", Coding::kBrotli},
    {"gzip", Coding::kGzip},
});
inline std::vector<Coding> all_codings() {
  std::vector<Coding> all;
  for (const Name<Coding>& name : kCodingNames) all.push_back(name.value);
  return all;
}
// Not an enum of ours: the log library reads the word.
inline constexpr auto kLogLevels =
    std::to_array<std::string_view>({"trace", "debug", "info", "warn", "error", "critical", "off"});

}  // namespace sluice::config
