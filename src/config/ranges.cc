#include <array>

#include "config/duration.h"
#include "config/rules.h"
#include "config/size.h"

namespace sluice::config {
namespace {

constexpr milliseconds kTick = 10ms;  // nothing shorter is a time-out for a network
constexpr milliseconds kDay = 24h;
constexpr milliseconds kYear = 365 * kDay;

struct TimeRule {
  std::string_view key;
  milliseconds Timeouts::*field;
  milliseconds least, most;
};
constexpr auto kTimeRules = std::to_array<TimeRule>({
    {"head", &Timeouts::head, kTick, kDay},
    {"keep_alive", &Timeouts::keep_alive, kTick, kDay},
    {"body_idle", &Timeouts::body_idle, kTick, kDay},
    {"connect", &Timeouts::connect, kTick, kDay},
    {"first_byte", &Timeouts::first_byte, kTick, kDay},
    {"tunnel_idle", &Timeouts::tunnel_idle, kTick, kDay},
    {"linger", &Timeouts::linger, 0ms, 10min},
    {"handshake", &Timeouts::handshake, kTick, kDay},
    {"drain", &Timeouts::drain, 0ms, kDay},
});

struct SizeRule {
  std::string_view key;
  std::size_t Limits::*field;
  std::size_t least, most;
};
constexpr auto kSizeRules = std::to_array<SizeRule>({
    {"head", &Limits::head, 1_KiB, 65535},  // the codec keeps places in a head as 16-bit offsets
    {"target", &Limits::target, 64, 65535},
    {"relay_buffer", &Limits::relay_buffer, 4_KiB, 1_MiB},
    {"pipe", &Limits::pipe, 4_KiB, 16_MiB},
});
constexpr auto kCountRules = std::to_array<SizeRule>({
    {"pipes", &Limits::pipes, 1, 1'000'000},
    {"handshakes", &Limits::handshakes, 1, 1'000'000},
    {"clients", &Limits::clients, 0, 10'000'000},
});

class Ranges {
 public:
  explicit Ranges(Mistakes& mistakes) : mistakes_(mistakes) {}

  void time(const std::string& place, milliseconds value, milliseconds least, milliseconds most) {
    if (value < least || value > most) {
      refuse(place, duration_text(value), duration_text(least), duration_text(most));
    }
  }
  void size(const std::string& place, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) refuse(place, size_text(value), size_text(least), size_text(most));
  }
  void count(const std::string& place, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) {
      refuse(place, std::to_string(value), std::to_string(least), std::to_string(most));
    }
  }

 private:
  void refuse(const std::string& place, const std::string& value, const std::string& least,
              const std::string& most) {
    mistakes_.add(place, value + " is out of range: write " + least + " to " + most);
  }
  Mistakes& mistakes_;
};

void check_limits(const Limits& limits, Ranges& ranges, Mistakes& mistakes) {
  for (const SizeRule& rule : kSizeRules) {
    ranges.size("limits." + std::string(rule.key), limits.*rule.field, rule.least, rule.most);
  }
  for (const SizeRule& rule : kCountRules) {
    ranges.count("limits." + std::string(rule.key), limits.*rule.field, rule.least, rule.most);
  }
  if (limits.target > limits.head) {
    mistakes.add("limits.target",
                 "is above limits.head (" + size_text(limits.head) +
                     "), but the target is part of the head: lower it, or raise limits.head");
  }
  // A head is read into a relay buffer, so one that doesn't fit could never be complete.
  if (limits.relay_buffer < limits.head) {
    mistakes.add("limits.relay_buffer", "is below limits.head (" + size_text(limits.head) +
                                            "), but heads are read into it: raise it, or lower limits.head");
  }
}

void check_relay(const std::string& place, const Relay& relay, Ranges& ranges) {
  ranges.size(place + ".relay.splice_min", relay.splice_min.value_or(0), 0, 1_GiB);
  ranges.size(place + ".relay.sendfile_min", relay.sendfile_min.value_or(0), 0, 1_GiB);
}

void check_kafka(const std::string& place, const Kafka& kafka, Ranges& ranges) {
  ranges.size(place + ".frame", kafka.frame, 1_KiB, 100_MiB);
  ranges.size(place + ".fetch", kafka.fetch, 1_KiB, 1_GiB);  // a frame's size is a signed 32-bit number
  ranges.count(place + ".partitions", kafka.partitions, 1, 1'000'000);
  ranges.count(place + ".members", kafka.members, 1, 100'000);
  ranges.count(place + ".open_segments", kafka.open_segments, 1, 1'000'000);
  ranges.time(place + ".longest_wait", kafka.longest_wait, kTick, 1h);
  ranges.time(place + ".look_every", kafka.look_every, kTick, 1h);
}

void check_http2(const Http2& http2, Ranges& ranges) {
  ranges.count("http2.streams", http2.streams, 1, 10'000);
  ranges.count("http2.resets", http2.resets, 1, 1'000'000);
  ranges.count("http2.control_frames", http2.control_frames, 1, 1'000'000);
  ranges.time("http2.window", http2.window, 100ms, 1h);
}

}  // namespace

void check_ranges(const Config& config, Mistakes& mistakes) {
  Ranges ranges(mistakes);
  ranges.count("workers", config.workers, 0, 1024);
  ranges.count("access_log.queue", config.access_log.queue, 1, 16'777'216);
  if (config.access_log.retain != 0)
    ranges.size("access_log.retain", config.access_log.retain, 1_MiB, 1_MiB * 1_GiB);
  for (const TimeRule& rule : kTimeRules) {
    ranges.time("timeouts." + std::string(rule.key), config.timeouts.*rule.field, rule.least, rule.most);
  }
  check_limits(config.limits, ranges, mistakes);
  check_http2(config.http2, ranges);
  ranges.time("certificate_check", config.certificate_check, 0ms, kDay);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    const std::string place = place_at("listeners", i);
    check_relay(place, listener.relay, ranges);
    if (listener.kafka) check_kafka(place + ".kafka", *listener.kafka, ranges);
    if (listener.tls) {
      ranges.time(place + ".tls.hsts", listener.tls->hsts, 0ms, 10 * kYear);
      ranges.time(place + ".tls.ticket_rotation", listener.tls->ticket_rotation, 1s, 7 * kDay);
    }
  }
  for (const auto& [name, upstream] : config.upstreams) {
    const std::string place = "upstreams." + name;
    ranges.count(place + ".max_fails", upstream.max_fails, 0, 1'000'000);
    ranges.time(place + ".fail_timeout", upstream.fail_timeout, kTick, kDay);
    ranges.count(place + ".idle_connections", upstream.idle_connections, 0, 65536);
    ranges.time(place + ".idle_timeout", upstream.idle_timeout, kTick, kDay);
    ranges.time(place + ".resolve_every", upstream.resolve_every, 100ms, kDay);
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const Route& route = config.routes[i];
    const std::string place = place_at("routes", i);
    check_relay(place, route.relay, ranges);
    ranges.size(place + ".compress.min_length", route.compress.min_length, 0, 1_GiB);
    ranges.count(place + ".compress.level", route.compress.level, 0, 9);
    if (route.handler.files) {
      ranges.time(place + ".files.revalidate", route.handler.files->revalidate, 0ms, kDay);
      ranges.count(place + ".files.open_files", route.handler.files->open_files, 1, 1'000'000);
    }
    if (route.handler.log)
      ranges.count(place + ".log.open_segments", route.handler.log->open_segments, 1, 1'000'000);
    if (route.handler.fixed) {
      ranges.count(place + ".respond.status", static_cast<std::uint64_t>(route.handler.fixed->status), 200,
                   599);
    }
  }
}

}  // namespace sluice::config
