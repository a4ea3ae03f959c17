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
enum class Path : std::uint8_t { kAuto, kBuffered, kSplice, kSendfile };

struct Relay {
  Path path = Path::kAuto;             // "path": "auto" | "buffered" | "splice" | "sendfile"
  std::uint64_t splice_min = 8_KiB;    // a socket run below this is copied
  std::uint64_t sendfile_min = 8_KiB;  // a file piece below this is copied
  bool operator==(const Relay&) const = default;
};

struct Timeouts {
  milliseconds head = 10s;          // from the first byte of a request to the end of its head
  milliseconds keep_alive = 60s;    // an idle client connection between requests
  milliseconds body_idle = 60s;     // no byte of a body moved in either direction
  milliseconds connect = 5s;        // to one server of an upstream
  milliseconds first_byte = 60s;    // from the sent request to the response head
  milliseconds tunnel_idle = 600s;  // no byte in either direction of a TCP or upgraded connection
  milliseconds linger = 2s;         // draining a client that still sends after the last response
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
  std::size_t clients = 0;            // client connections per worker; 0: as many as descriptors allow
  bool operator==(const Limits&) const = default;
};

struct Server {
  std::string host;  // an address (IPv6 without brackets: see server.h) or a DNS name
  std::uint16_t port = 0;
  bool operator==(const Server&) const = default;
};

struct Upstream {
  std::string name;
  std::vector<Server> servers;        // at least one
  unsigned max_fails = 3;             // failures within `fail_timeout` that mark a server down; 0: never
  milliseconds fail_timeout = 10s;    // ... and how long it then stays down before it is tried again
  std::size_t idle_connections = 64;  // kept per worker and server
  milliseconds idle_timeout = 50s;    // below what origins use (nginx 75 s, Apache 5 s): fewer stale reuses
  milliseconds resolve_every = 30s;   // DNS names are looked up again after this
  bool operator==(const Upstream&) const = default;
};

struct Files {
  std::string root;  // a directory
  std::string index = "index.html";
  milliseconds revalidate = 1s;   // a replaced file is noticed at latest after this; 0: on each request
  std::size_t open_files = 1024;  // kept open per worker
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

// Exactly one handler is set.
struct Handler {
  std::string proxy;           // "proxy": name of an upstream
  std::optional<Files> files;  // "files"
  std::optional<Fixed> fixed;  // "respond"
  bool status = false;         // "status": true: the counters as JSON
  bool operator==(const Handler&) const = default;
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
  bool operator==(const Route&) const = default;
};

enum class Protocol : std::uint8_t { kHttp, kTcp };

struct Listener {
  std::string listen;  // "127.0.0.1:7000", "[::1]:7000", ":7000"
  Protocol protocol = Protocol::kHttp;
  std::string upstream;  // tcp: where connections go
  Relay relay;           // tcp
  bool operator==(const Listener&) const = default;
};

struct AccessLog {
  std::string file;           // "" off; "-" standard output
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
  AccessLog access_log;
  std::string log_level = "info";  // of the error log on standard error
  bool operator==(const Config&) const = default;
};

}  // namespace sluice::config
