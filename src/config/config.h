// What the operator asked for, as plain values. A file, the quick commands and tests build the same object.
//
// A Config that came out of parse() or the quick commands is valid: every name resolves, every limit is in
// its range. Workers hold it by shared_ptr<const Config> (a snapshot) and never change it.
// Units    sizes in bytes, times in milliseconds (std::chrono).
// Thread   immutable once built.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sluice::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// How one response's bytes may travel. kAuto lets relay::choose() decide.
enum class Path : std::uint8_t { kAuto, kBuffered, kSplice, kSendfile, kMmap };

// Where the thresholds come from: see thresholds.h.
enum class Thresholds : std::uint8_t { kBuiltIn, kMeasured, kAuto };

struct Relay {
  Path path = Path::kAuto;  // "path": "auto" | "buffered" | "splice" | "sendfile" | "mmap"
  // "thresholds": "built-in" | "measured" | "auto"; empty: as the top level says
  std::optional<Thresholds> thresholds = {};
  std::optional<std::uint64_t> splice_min = {};    // a socket run below this is copied; empty: see thresholds
  std::optional<std::uint64_t> sendfile_min = {};  // a file piece below this is copied; likewise
  bool operator==(const Relay&) const = default;
};

// What `sluice calibrate` has found on a machine.
struct Measured {
  std::uint64_t splice_min = 8_KiB;
  std::uint64_t sendfile_min = 8_KiB;
  std::string kernel, processor;  // the machine's: see os/machine.h
  bool operator==(const Measured&) const = default;
};

struct Timeouts {
  milliseconds head = 10s;          // from the first byte of a request to the end of its head
  milliseconds keep_alive = 60s;    // an idle client connection between requests
  milliseconds body_idle = 60s;     // no byte of a body moved in either direction
  milliseconds connect = 5s;        // to one server of an upstream
  milliseconds first_byte = 60s;    // from the sent request to the response head
  milliseconds tunnel_idle = 600s;  // no byte in either direction of a TCP or upgraded connection
  milliseconds linger = 2s;         // draining a client that still sends after the last response
  milliseconds handshake = 10s;     // from the accepted connection to the end of its TLS handshake
  milliseconds drain = 30s;         // SIGTERM: how long running exchanges may go on
  bool operator==(const Timeouts&) const = default;
};

struct Limits {
  std::size_t head = 16_KiB;          // a request or response head
  std::size_t target = 8_KiB;         // the request target
  std::uint64_t body = 0;             // a request body; 0: no limit (bodies are streamed, never stored)
  std::size_t relay_buffer = 64_KiB;  // what a buffered body may hold per direction
  std::size_t pipe = 256_KiB;         // asked of F_SETPIPE_SZ
  std::size_t pipes = 4096;           // open pipes per worker, in use and pooled
  std::size_t handshakes = 512;  // TLS handshakes under way per worker; more wait in the listening socket
  std::size_t clients = 0;       // client connections per worker; 0: as many as descriptors allow
  bool operator==(const Limits&) const = default;
};

// One certificate of a TLS listener. The names it answers for are those in it (subjectAltName).
struct Certificate {
  std::string certificate;  // PEM file, the chain behind the leaf
  std::string key;          // PEM file
  std::string ocsp;         // DER file with the response to staple; "" none
  bool operator==(const Certificate&) const = default;
};

enum class ClientCertificates : std::uint8_t { kOff, kOptional, kRequired };
enum class TlsVersion : std::uint8_t { k12, k13 };
enum class KernelTls : std::uint8_t { kOff, kAuto };

// TLS towards clients. SNI picks the certificate: an exact name, then a wildcard, else the first of the list; where
// several fit, the key types that the client can verify decide (ECDSA beside RSA).
struct ListenerTls {
  std::vector<Certificate> certificates;  // at least one, unless self_signed
  bool self_signed = false;               // make one at start, for trying things out
  TlsVersion min_version = TlsVersion::k12;
  ClientCertificates client_certificates = ClientCertificates::kOff;
  std::string client_ca;               // PEM file; needed unless client_certificates is off
  KernelTls ktls = KernelTls::kOff;    // "ktls": "off" | "auto"
  bool http2 = true;                   // offered by ALPN
  std::chrono::seconds hsts{0};        // Strict-Transport-Security max-age; 0: no such header
  milliseconds ticket_rotation = 12h;  // a new session ticket key this often; the last two are still accepted
  bool operator==(const ListenerTls&) const = default;
};

// TLS towards servers.
struct UpstreamTls {
  bool verify = true;
  std::string ca;           // PEM file; "": the system's
  std::string name;         // for SNI and verification; "": the configured host name
  std::string certificate;  // our own, PEM file; "": none
  std::string key;
  bool operator==(const UpstreamTls&) const = default;
};

struct Server {
  std::string host;  // an address (IPv6 without brackets: see server.h) or a DNS name
  std::uint16_t port = 0;
  bool operator==(const Server&) const = default;
};

enum class UpstreamProtocol : std::uint8_t { kHttp1, kHttp2 };

struct Upstream {
  std::string name;
  std::vector<Server> servers;        // at least one
  unsigned max_fails = 3;             // failures within `fail_timeout` that mark a server down; 0: never
  milliseconds fail_timeout = 10s;    // ... and how long it then stays down before it is tried again
  std::size_t idle_connections = 64;  // kept per worker and server
  milliseconds idle_timeout = 50s;    // below what origins use (nginx 75 s, Apache 5 s): fewer stale reuses
  milliseconds resolve_every = 30s;   // DNS names are looked up again after this
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;  // "protocol": "http/1.1" | "h2"
  std::optional<UpstreamTls> tls;                        // "tls": true, or an object
  bool operator==(const Upstream&) const = default;
};

struct Files {
  std::string root;  // a directory
  std::string index = "index.html";
  milliseconds revalidate = 1s;   // a replaced file is noticed at latest after this; 0: on each request
  std::size_t open_files = 1024;  // kept open per worker
  bool follow = false;            // "?follow" keeps a response open, and sends what the file grows by
  bool operator==(const Files&) const = default;
};

struct Fixed {  // "respond": a small answer made here
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::string location;  // for 3xx: the Location header; may be empty
  bool operator==(const Fixed&) const = default;
};

// Which of the forwarding headers a proxied request carries.
enum class Forwarded : std::uint8_t { kOff, kX, kRfc7239, kBoth };
enum class HostHeader : std::uint8_t { kClient, kUpstream };  // what the upstream sees as Host

// "log": partitions of a log directory over HTTP: <path>/TOPIC/PARTITION.
struct LogFiles {
  std::string directory;            // holds <topic>-<partition>/
  std::size_t open_segments = 256;  // kept open per worker
  bool operator==(const LogFiles&) const = default;
};

// Exactly one handler is set.
struct Handler {
  std::string proxy;            // "proxy": name of an upstream
  std::optional<Files> files;   // "files"
  std::optional<Fixed> fixed;   // "respond"
  std::optional<LogFiles> log;  // "log"
  bool status = false;          // "status": true: the counters as JSON
  bool operator==(const Handler&) const = default;
};

// Codings of responses, in the order we prefer them where a client likes several equally.
enum class Coding : std::uint8_t { kZstd, kBrotli, kGzip };

struct Compress {
  std::vector<Coding> codings;       // empty: off. "compress": true means all three
  std::uint64_t min_length = 1_KiB;  // a body known to be shorter goes as it is
  std::vector<std::string> types;    // media types, "text/*" too; empty: the usual compressible ones
  unsigned level = 0;                // 0: each coding's own default for work done while the client waits
  bool operator==(const Compress&) const = default;
};

struct Route {
  std::string name;  // for the log and the counters; default: host + path
  std::string host;  // "" any; "a.example" exact; "*.example" any name below
  std::string path;  // prefix that ends at a segment: "/a" matches /a and /a/b, not /ab; "/" matches all
  Handler handler;
  Relay relay;
  bool strip_prefix = false;   // the handler sees the path without the matched prefix
  bool server_timing = false;  // tell the client which path its bytes took, and why
  Forwarded forwarded = Forwarded::kX;
  HostHeader host_header = HostHeader::kClient;
  std::uint64_t body_limit = 0;  // overrides limits.body when not 0
  Compress compress;
  bool operator==(const Route&) const = default;
};

enum class Protocol : std::uint8_t { kHttp, kTcp, kKafka };

// What a kafka listener serves: topics from a directory as Apache Kafka's brokers write it, read-only.
struct Kafka {
  std::string log;        // the directory, which holds <topic>-<partition>/
  std::string advertise;  // "host:port" that clients are told to connect to; "": the address they came in on
  std::string groups;     // SQLite file of the consumer groups; "": see app/groups_file.h
  std::size_t frame = 1_MiB;         // the largest request
  std::uint64_t fetch = 55_MiB;      // the largest fetch response, but for a first batch that is larger
  std::size_t partitions = 10'000;   // asked for in one request
  std::size_t members = 1000;        // of one group
  std::size_t open_segments = 1024;  // kept open per worker
  milliseconds longest_wait = 30s;   // of a fetch, whatever the client asks for
  milliseconds look_every = 1s;      // where the kernel can't tell of changes in `log`
  bool operator==(const Kafka&) const = default;
};

struct Listener {
  std::string listen;  // "127.0.0.1:7000", "[::1]:7000", ":7000"
  Protocol protocol = Protocol::kHttp;
  std::string upstream;            // tcp: where connections go
  std::optional<Kafka> kafka;      // kafka: what is served
  Relay relay;                     // tcp and kafka
  std::optional<ListenerTls> tls;  // TLS ends here
  bool redirect_https = false;     // http without tls: 308 to the same address with https
  bool operator==(const Listener&) const = default;
};

// Bounds of one client's HTTP/2 connection. What exceeds a rate is answered with GOAWAY ENHANCE_YOUR_CALM.
struct Http2 {
  unsigned streams = 128;          // at the same time
  unsigned resets = 200;           // streams the client may cancel within `window`, answered or not
  unsigned control_frames = 1000;  // PING, SETTINGS, PRIORITY and empty DATA frames within `window`
  milliseconds window = 10s;
  bool operator==(const Http2&) const = default;
};

struct AccessLog {
  std::string file;           // "" off; "-" standard output
  std::string topic;          // "" off; the lines are the values of this topic's records, partition 0
  std::string directory;      // the topic's; a file may leave it out: the first kafka listener's log
  std::uint64_t retain = 0;   // bytes of the topic to keep at least; older segments go. 0: all stays
  std::size_t queue = 65536;  // lines that may wait for the disk; more are dropped and counted
  bool operator==(const AccessLog&) const = default;
};

struct Config {
  unsigned workers = 0;  // 0: one per usable processor
  std::vector<Listener> listeners;
  std::map<std::string, Upstream> upstreams;
  std::vector<Route> routes;
  std::vector<std::string> trusted;  // CIDRs whose forwarding headers are appended to, not replaced
  Timeouts timeouts;
  Limits limits;
  Http2 http2;
  AccessLog access_log;
  Thresholds thresholds = Thresholds::kBuiltIn;
  std::string thresholds_file;  // written by `sluice calibrate`; "": where services keep state
  Measured measured;            // what is in it, where anything asks for it
  std::string user;             // run as, once listeners and keys are open; "": as started
  milliseconds certificate_check =
      10s;                         // how often certificate files are looked at for change; 0: only on SIGHUP
  std::string log_level = "info";  // of the error log on standard error
  bool operator==(const Config&) const = default;
};

}  // namespace sluice::config
