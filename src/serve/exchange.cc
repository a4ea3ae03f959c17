#include "serve/exchange.h"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace sluice::serve {

struct Exchange::LogText {
  os::WallTime time;
  std::string method, host, target, user_agent, referer;
};

Exchange::Exchange(Client& client, WorkerState& state, const Route* route, const Request& request)
    : client_(client),
      state_(state),
      site_(state.site),
      route_(route),
      method_(request.head.method),
      http10_(request.facts.http10),
      keep_alive_(request.facts.keep_alive),
      began_(state.loop.now()) {
  state_.counters.requests.add();
  if (route != nullptr) wish_ = content::coding_wish(request.head, route->config->compress);
  if (state_.log == nullptr) return;
  const http::RequestHead& head = request.head;
  log_text_ = std::make_unique<LogText>(LogText{
      .time = os::wall_now(),
      .method = std::string(head.view(head.method_text)),
      .host = std::string(head.find_value(http::FieldId::kHost)),
      .target = std::string(head.view(head.target)),
      .user_agent = std::string(head.find_value(http::FieldId::kUserAgent)),
      .referer = std::string(head.find_value(http::FieldId::kReferer)),
  });
}

Exchange::~Exchange() = default;

void Exchange::run_deferred() {
  drive();
  client_.settle();  // may destroy us
}

std::string_view Exchange::server_timing(relay::Choice choice) {
  if (route_ == nullptr || !route_->config->server_timing) return {};
  const int n = std::snprintf(timing_, sizeof timing_, "sluice;desc=\"%s: %s\"",
                              relay::name_of(choice.strategy), relay::name_of(choice.reason));
  return {timing_, static_cast<std::size_t>(n)};
}

void Exchange::ledger_broken() {
  state_.counters.ledger_violations.add();
  spdlog::error("a body's ledger did not balance on route {}; the connection is cut",
                route_ == nullptr ? "" : route_->config->name);
}

Exchange::Coded Exchange::plan_coding(const http::ResponseHead& head, std::optional<std::uint64_t> length,
                                      bool has_body) {
  if (route_ == nullptr) return {};
  const config::Compress& compress = route_->config->compress;
  const content::CodingPlan plan = content::plan_coding(compress, wish_, head, length);
  if (!plan.coding || !has_body) return {.recoding = plan.recoding, .compressor = {}};
  content::Compressors::Lease compressor = state_.compressors.take(*plan.coding, compress.level, length);
  if (compressor.valid()) return {.recoding = plan.recoding, .compressor = std::move(compressor)};
  state_.counters.compressors_refused.add();
  return {.recoding = {.vary = true}, .compressor = {}};
}

void Exchange::finish(observe::Ending ending, Outcome outcome, const Moved& moved) {
  if (outcome_ != Outcome::kRunning) return;
  outcome_ = outcome == Outcome::kKeep && state_.draining ? Outcome::kClose : outcome;
  observe::Counters& counters = state_.counters;
  counters.endings[static_cast<std::size_t>(ending)].add();
  counters.bytes_to_clients.add(moved.out);
  counters.bytes_to_upstreams.add(moved.in);
  const auto strategy = static_cast<std::size_t>(moved.choice.strategy);
  counters.bodies_by_path[strategy].add();
  counters.bodies_by_reason[static_cast<std::size_t>(moved.choice.reason)].add();
  counters.bytes_by_path[strategy].add(moved.zero_copy + moved.mapped);
  counters.bytes_by_path[static_cast<std::size_t>(relay::Strategy::kBuffered)].add(
      moved.in + moved.out - moved.zero_copy - moved.mapped);
  if (moved.coding) {
    const auto coding = static_cast<std::size_t>(*moved.coding);
    counters.bodies_by_coding[coding].add();
    counters.bytes_before_coding[coding].add(moved.uncompressed);
    counters.bytes_after_coding[coding].add(moved.out);
  }
  if (log_text_ == nullptr || state_.log == nullptr) return;
  const LogText& text = *log_text_;
  state_.log->add({
      .time = text.time,
      .client = client_.peer(),
      .method = text.method,
      .host = text.host,
      .target = text.target,
      .user_agent = text.user_agent,
      .referer = text.referer,
      .protocol = client_.multiplexed() ? "HTTP/2"
                  : http10_             ? "HTTP/1.0"
                                        : "HTTP/1.1",
      .tls = log_of(client_.secured()),
      .route = route_ == nullptr ? std::string_view() : std::string_view(route_->config->name),
      .upstream = upstream_name_,
      .upstream_protocol = upstream_http2_ ? "HTTP/2" : std::string_view(),
      .status = status_,
      .bytes_in = moved.in,
      .bytes_out = moved.out,
      .zero_copy = moved.zero_copy,
      .coding = moved.coding ? content::name_of(*moved.coding) : std::string_view(),
      .uncompressed = moved.uncompressed,
      .path = relay::name_of(moved.choice.strategy),
      .why = why_.empty() ? std::string_view(relay::name_of(moved.choice.reason)) : std::string_view(why_),
      .end = ending,
      // Read anew: what happened within one turn of the loop took some time, too.
      .total = std::chrono::duration_cast<std::chrono::microseconds>(os::now() - began_),
      .connect = connect_time_,
      .first_byte = first_byte_time_,
  });
}

}  // namespace sluice::serve
