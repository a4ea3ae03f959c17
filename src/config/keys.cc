#include "config/keys.h"

#include <algorithm>
#include <array>

namespace sluice::config {
namespace {

using Key = std::string_view;

constexpr auto kTop = std::to_array<Key>({"workers", "listeners", "upstreams", "routes", "trusted",
                                          "timeouts", "limits", "http2", "access_log", "thresholds",
                                          "thresholds_file", "user", "certificate_check", "log_level"});
constexpr auto kListener =
    std::to_array<Key>({"listen", "protocol", "upstream", "kafka", "relay", "tls", "redirect_https"});
constexpr auto kListenerTls =
    std::to_array<Key>({"certificates", "self_signed", "min_version", "client_certificates", "client_ca",
                        "ktls", "http2", "hsts", "ticket_rotation"});
constexpr auto kCertificate = std::to_array<Key>({"certificate", "key", "ocsp"});
constexpr auto kKafka = std::to_array<Key>({"log", "advertise", "groups", "frame", "fetch", "partitions",
                                            "members", "open_segments", "longest_wait", "look_every"});
constexpr auto kUpstream = std::to_array<Key>({"servers", "max_fails", "fail_timeout", "idle_connections",
                                               "idle_timeout", "resolve_every", "protocol", "tls"});
constexpr auto kUpstreamTls = std::to_array<Key>({"verify", "ca", "name", "certificate", "key"});
constexpr auto kRoute = std::to_array<Key>({"name", "host", "path", "proxy", "files", "respond", "log",
                                            "status", "relay", "strip_prefix", "server_timing", "forwarded",
                                            "host_header", "body_limit", "compress"});
constexpr auto kFiles = std::to_array<Key>({"root", "index", "revalidate", "open_files", "follow"});
constexpr auto kRespond = std::to_array<Key>({"status", "body", "content_type", "location"});
constexpr auto kLog = std::to_array<Key>({"directory", "open_segments"});
constexpr auto kRelay = std::to_array<Key>({"path", "thresholds", "splice_min", "sendfile_min"});
constexpr auto kCompress = std::to_array<Key>({"codings", "min_length", "types", "level"});
constexpr auto kTimeouts = std::to_array<Key>({"head", "keep_alive", "body_idle", "connect", "first_byte",
                                               "tunnel_idle", "linger", "handshake", "drain"});
constexpr auto kLimits =
    std::to_array<Key>({"head", "target", "body", "relay_buffer", "pipe", "pipes", "handshakes", "clients"});
constexpr auto kHttp2 = std::to_array<Key>({"streams", "resets", "control_frames", "window"});
constexpr auto kAccessLog = std::to_array<Key>({"file", "topic", "directory", "retain", "queue"});

constexpr auto kSections = std::to_array<Section>({
    {kTopSection, kTop},
    {kListenerSection, kListener},
    {kListenerTlsSection, kListenerTls},
    {kCertificateSection, kCertificate},
    {kKafkaSection, kKafka},
    {kUpstreamSection, kUpstream},
    {kUpstreamTlsSection, kUpstreamTls},
    {kRouteSection, kRoute},
    {kFilesSection, kFiles},
    {kRespondSection, kRespond},
    {kLogSection, kLog},
    {kRelaySection, kRelay},
    {kCompressSection, kCompress},
    {kTimeoutsSection, kTimeouts},
    {kLimitsSection, kLimits},
    {kHttp2Section, kHttp2},
    {kAccessLogSection, kAccessLog},
});

}  // namespace

std::span<const Section> sections() noexcept { return kSections; }

std::span<const std::string_view> keys_of(std::string_view section) noexcept {
  const auto found = std::find_if(kSections.begin(), kSections.end(),
                                  [&](const Section& known) { return known.name == section; });
  return found == kSections.end() ? std::span<const std::string_view>{} : found->keys;
}

}  // namespace sluice::config
