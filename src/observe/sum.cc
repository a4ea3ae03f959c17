#include "observe/sum.h"

#include <algorithm>

namespace sluice::observe {

namespace {

struct Named {
  const char* name;
  Counter Counters::*counter;
};

constexpr Named kFirst[] = {
    {"accepted", &Counters::accepted},
    {"clients", &Counters::clients},
    {"accept_failed", &Counters::accept_failed},
    {"turned_away", &Counters::turned_away},
    {"requests", &Counters::requests},
    {"tunnels", &Counters::tunnels},
    {"upstream_connects", &Counters::upstream_connects},
    {"upstream_reuses", &Counters::upstream_reuses},
    {"upstream_retries", &Counters::upstream_retries},
    {"upstream_idle", &Counters::upstream_idle},
    {"server_marked_down", &Counters::server_marked_down},
    {"pipes_open", &Counters::pipes_open},
    {"pipes_in_use", &Counters::pipes_in_use},
    {"pipes_refused", &Counters::pipes_refused},
    {"buffers_in_use", &Counters::buffers_in_use},
    {"compressors_in_use", &Counters::compressors_in_use},
    {"compressors_refused", &Counters::compressors_refused},
    {"bytes_to_clients", &Counters::bytes_to_clients},
    {"bytes_to_upstreams", &Counters::bytes_to_upstreams},
};

constexpr Named kLast[] = {
    {"tls_handshaking", &Counters::tls_handshaking},
    {"ktls_sending", &Counters::ktls_sending},
    {"ktls_receiving", &Counters::ktls_receiving},
    {"ktls_missing", &Counters::ktls_missing},
    {"ktls_cipher", &Counters::ktls_cipher},
    {"ktls_refused", &Counters::ktls_refused},
    {"ktls_revoked", &Counters::ktls_revoked},
    {"tls_key_updates", &Counters::tls_key_updates},
    {"http2_connections", &Counters::http2_connections},
    {"http2_streams", &Counters::http2_streams},
    {"http2_malformed", &Counters::http2_malformed},
    {"http2_resets", &Counters::http2_resets},
    {"kafka_connections", &Counters::kafka_connections},
    {"kafka_requests", &Counters::kafka_requests},
    {"kafka_invalid", &Counters::kafka_invalid},
    {"kafka_waiting", &Counters::kafka_waiting},
    {"kafka_wakes", &Counters::kafka_wakes},
    {"segments_open", &Counters::segments_open},
    {"followers", &Counters::followers},
    {"log_partitions", &Counters::log_partitions},
    {"log_changes", &Counters::log_changes},
    {"groups", &Counters::groups},
    {"group_members", &Counters::group_members},
    {"group_generations", &Counters::group_generations},
    {"ledger_violations", &Counters::ledger_violations},
    {"cold_waits", &Counters::cold_waits},
    {"log_lines_dropped", &Counters::log_lines_dropped},
    {"tls_handshakes", &Counters::tls_handshakes},
    {"tls_failed", &Counters::tls_failed},
    {"tls_resumed", &Counters::tls_resumed},
    {"tls_1_2", &Counters::tls_1_2},
    {"tls_1_3", &Counters::tls_1_3},
    {"tls_client_certificates", &Counters::tls_client_certificates},
    {"tls_ocsp_stapled", &Counters::tls_ocsp_stapled},
    {"tls_ocsp_missing", &Counters::tls_ocsp_missing},
    {"tls_ticket_keys", &Counters::tls_ticket_keys},
    {"tls_reloads", &Counters::tls_reloads},
    {"tls_reloads_failed", &Counters::tls_reloads_failed},
};

std::string snake(const char* prefix, const char* name) {
  std::string out = std::string(prefix) + name;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

}  // namespace

Sums sum(std::span<const Counters* const> workers, std::span<const char* const> strategies,
         std::span<const char* const> reasons, std::span<const char* const> codings) {
  Sums out;
  const auto add = [&](std::string name, auto read) {
    std::uint64_t total = 0;
    for (const Counters* worker : workers) total += read(*worker);
    out.emplace_back(std::move(name), total);
  };
  const auto add_named = [&](std::span<const Named> list) {
    for (const Named& each : list)
      add(each.name, [&](const Counters& worker) { return (worker.*each.counter).read(); });
  };
  const auto add_array = [&](const char* prefix, auto array, std::span<const char* const> names) {
    for (std::size_t i = 0; i < std::min(names.size(), (Counters{}.*array).size()); ++i)
      add(snake(prefix, names[i]), [&](const Counters& worker) { return (worker.*array)[i].read(); });
  };

  std::array<const char*, kEndings> endings;
  for (std::size_t i = 0; i < kEndings; ++i) endings[i] = name_of(static_cast<Ending>(i));

  add_named(kFirst);
  add_array("bodies_by_path_", &Counters::bodies_by_path, strategies);
  add_array("bytes_by_path_", &Counters::bytes_by_path, strategies);
  add_array("bodies_by_reason_", &Counters::bodies_by_reason, reasons);
  add_array("bodies_by_coding_", &Counters::bodies_by_coding, codings);
  add_array("bytes_before_coding_", &Counters::bytes_before_coding, codings);
  add_array("bytes_after_coding_", &Counters::bytes_after_coding, codings);
  add_array("endings_", &Counters::endings, endings);
  add_array("http2_goaways_", &Counters::http2_goaways, kGoawayNames);
  add_named(kLast);
  return out;
}

}  // namespace sluice::observe
