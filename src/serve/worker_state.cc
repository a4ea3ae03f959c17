#include "serve/worker_state.h"

#include <spdlog/spdlog.h>

#include <system_error>

namespace sluice::serve {

namespace {

http::HeadLimits head_limits(const config::Config& config) noexcept {
  return {.head = config.limits.head, .target = config.limits.target};
}

std::size_t most_open_files(const config::Config& config) noexcept {
  std::size_t most = 0;
  for (const config::Route& route : config.routes) {
    if (route.handler.files) most += route.handler.files->open_files;
  }
  return most == 0 ? 1 : most;
}

}  // namespace

WorkerState::WorkerState(loop::EventLoop& the_loop, loop::Offload& the_offload, const config::Config& config,
                         observe::Counters& the_counters, StatusPage page)
    : loop(the_loop),
      offload(the_offload),
      counters(the_counters),
      status_page(std::move(page)),
      relay(the_loop, the_offload,
            {.head = config.limits.head,
             .relay = config.limits.relay_buffer,
             .pipe = config.limits.pipe,
             .pipes = config.limits.pipes}),
      files(the_loop, the_offload, most_open_files(config)),
      watches(the_loop, the_offload),
      request_parser(head_limits(config)),
      response_parser(head_limits(config)) {}

void WorkerState::begin_session(Session& session) noexcept {
  sessions.push_back(session);
  ++session_count;
  counters.clients.add();
}

void WorkerState::end_session(Session& session) noexcept {
  delete &session;
  --session_count;
  counters.clients.subtract();
  publish();
  if (draining && session_count == 0 && on_last_session) on_last_session();
}

void WorkerState::begin_handshake() noexcept {
  ++handshakes;
  counters.tls_handshaking.add();
}

void WorkerState::end_handshake() {
  --handshakes;
  counters.tls_handshaking.subtract();
  if (on_handshake_room) on_handshake_room();
}

std::string_view WorkerState::date() noexcept {
  const std::time_t now = std::chrono::system_clock::to_time_t(os::wall_now());
  if (now != date_second_) {
    http::write_date(date_, now);
    date_second_ = now;
  }
  return {date_, http::kDateSize};
}

void WorkerState::tell_no_connection(const std::string& upstream, const std::string& server, int error) {
  if (const auto held = no_connection_.pass(loop.now()))
    spdlog::warn("upstream {}: no connection to {}: {} ({} times more since it was said last)", upstream,
                 server, std::generic_category().message(error), *held);
}

void WorkerState::tell_no_tls(const std::string& upstream, const std::string& server, std::string_view why) {
  if (why.empty()) return;
  if (const auto held = no_tls_.pass(loop.now()))
    spdlog::warn("upstream {}: no TLS with {}: {} ({} times more since it was said last)", upstream, server,
                 why, *held);
}

void WorkerState::tell_handshake_failed(const std::string& listener, const os::Address& peer,
                                        std::string_view why) {
  if (const auto held = handshake_failed_.pass(loop.now()))
    spdlog::info("listener {}: TLS handshake with {} failed: {} ({} times more since it was said last)",
                 listener, peer.text(), why, *held);
}

void WorkerState::tell_kafka_refused(const std::string& listener, const os::Address& peer,
                                     std::string_view api, std::string_view why) {
  if (const auto held = kafka_refused_.pass(loop.now()))
    spdlog::warn("listener {}: closed the connection of {}: {}{}{} ({} times more since it was said last)",
                 listener, peer.text(), api, api.empty() ? "" : ": ", why, *held);
}

void WorkerState::tell_marked_down(const std::string& upstream, const upstream::Server& server) {
  counters.server_marked_down.add();
  spdlog::warn("upstream {}: {} is marked down for {} ms", upstream, server.name(),
               server.config().fail_timeout.count());
}

void WorkerState::tell_up_again(const std::string& upstream, const upstream::Server& server) {
  spdlog::info("upstream {}: {} is up again", upstream, server.name());
}

void WorkerState::publish() noexcept {
  counters.pipes_open.set(relay.pipes.open());
  counters.pipes_in_use.set(relay.pipes.in_use());
  counters.pipes_refused.set(relay.pipes.refused());
  counters.buffers_in_use.set(relay.buffers_in_use());
  counters.compressors_in_use.set(compressors.in_use());
}

}  // namespace sluice::serve
