// Every key that a configuration file may hold: the parser reads no other, the reference in conf/ lists them
// all.
#pragma once

#include <span>
#include <string_view>

namespace sluice::config {

struct Section {
  std::string_view
      name;  // as in the headings of conf/README.md; "[]" stands for an element, NAME for any name
  std::span<const std::string_view> keys;
};

inline constexpr std::string_view kTopSection = "top level";
inline constexpr std::string_view kListenerSection = "listeners[]";
inline constexpr std::string_view kListenerTlsSection = "listeners[].tls";
inline constexpr std::string_view kCertificateSection = "listeners[].tls.certificates[]";
inline constexpr std::string_view kKafkaSection = "listeners[].kafka";
inline constexpr std::string_view kUpstreamSection = "upstreams.NAME";
inline constexpr std::string_view kUpstreamTlsSection = "upstreams.NAME.tls";
inline constexpr std::string_view kRouteSection = "routes[]";
inline constexpr std::string_view kFilesSection = "files";
inline constexpr std::string_view kRespondSection = "respond";
inline constexpr std::string_view kLogSection = "log";
inline constexpr std::string_view kRelaySection = "relay";
inline constexpr std::string_view kCompressSection = "compress";
inline constexpr std::string_view kTimeoutsSection = "timeouts";
inline constexpr std::string_view kLimitsSection = "limits";
inline constexpr std::string_view kHttp2Section = "http2";
inline constexpr std::string_view kAccessLogSection = "access_log";

std::span<const Section> sections() noexcept;

// The keys of one section; empty for a name that is none.
std::span<const std::string_view> keys_of(std::string_view section) noexcept;

}  // namespace sluice::config
