// What one worker counted. Written by its thread alone, read by any: relaxed atomics, no lock, no shared
// line.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "observe/ending.h"

namespace sluice::observe {

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kStrategies = 5;  // none, buffered, splice, sendfile, mmap: relay::Strategy
inline constexpr std::size_t kReasons = 32;    // relay::Reason
inline constexpr std::size_t kCodings = 3;     // zstd, br, gzip: config::Coding
// Why we ended a client's HTTP/2 connection: http2::Goaway.
inline constexpr std::size_t kGoaways = 7;
inline constexpr std::array<const char*, kGoaways> kGoawayNames{
    "none", "graceful", "reset-flood", "control-flood", "header-flood", "protocol", "timeout"};

struct alignas(64) Counters {
  Counter accepted, clients;           // in all; open now
  Counter accept_failed, turned_away;  // EMFILE and the like; clients closed at once for want of descriptors
  Counter requests, tunnels;           // exchanges begun; tunnels open now
  Counter upstream_connects, upstream_reuses, upstream_retries, upstream_idle;  // idle: now
  Counter server_marked_down;
  Counter pipes_open, pipes_in_use, pipes_refused;  // now, now, exhaustion fallbacks in all
  Counter buffers_in_use;                           // now
  Counter compressors_in_use, compressors_refused;  // now; bodies that went as they are for want of one
  Counter bytes_to_clients, bytes_to_upstreams;     // body bytes
  std::array<Counter, kStrategies> bodies_by_path;  // response bodies
  std::array<Counter, kStrategies> bytes_by_path;   // body bytes in both directions
  std::array<Counter, kReasons> bodies_by_reason;
  std::array<Counter, kCodings> bodies_by_coding;     // response bodies that were compressed
  std::array<Counter, kCodings> bytes_before_coding;  // of them, as they came
  std::array<Counter, kCodings> bytes_after_coding;   // ... and as they left
  std::array<Counter, kEndings> endings;
  Counter tls_handshaking;               // now
  Counter ktls_sending, ktls_receiving;  // TLS connections whose sending, receiving side went into the kernel
  Counter ktls_missing, ktls_cipher, ktls_refused;  // it was asked for, and did not: relay::Reason
  Counter ktls_revoked;                             // ended because the kernel could not change its key
  Counter tls_key_updates;                          // peers that changed theirs
  Counter http2_connections, http2_streams;  // in all
  Counter http2_malformed, http2_resets;     // requests; streams that did not end by themselves
  std::array<Counter, kGoaways> http2_goaways;
  Counter kafka_connections, kafka_requests;  // in all
  Counter kafka_invalid;                      // connections closed because a request could not be read
  Counter kafka_waiting;                      // fetches that wait for records, now
  Counter kafka_wakes;                        // ... and went on because some came, in all
  Counter segments_open;                      // now
  Counter followers;                          // responses that wait for a file or a log to grow, now
  // The main thread's: see app/supervisor.h.
  Counter log_partitions, log_changes;                  // now; appends and the like that were noticed
  Counter groups, group_members, group_generations;     // now, now, in all
  Counter ledger_violations;
  Counter cold_waits;  // file windows brought in off the loop
  Counter log_lines_dropped;
  // TLS towards clients. Ticket keys and certificates are the main thread's: see app/supervisor.h.
  Counter tls_handshakes, tls_failed,
      tls_resumed;                             // done; ended otherwise; done, and with an earlier session
  Counter tls_1_2, tls_1_3;                    // of those done
  Counter tls_client_certificates;             // shown and trusted; resumed sessions count again
  Counter tls_ocsp_stapled, tls_ocsp_missing;  // of those who asked for it
  Counter tls_ticket_keys, tls_reloads, tls_reloads_failed;
};

}  // namespace sluice::observe
