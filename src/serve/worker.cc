#include "serve/worker.h"

#include <stdexcept>

#include "os/process.h"
#include "serve/client_connection.h"
#include "serve/kafka_connection.h"
#include "serve/tcp_session.h"
#include "serve/tls_handshake.h"

namespace sluice::serve {

namespace {
constexpr std::chrono::milliseconds kFlushEvery{200};
}

Worker::Worker(loop::Offload& files, loop::Offload& names, StatusPage page)
    : files_(files), names_(names), page_(std::move(page)) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::open(const Snapshot& snapshot) {
  state_ = std::make_unique<WorkerState>(loop_, files_, *snapshot.config, counters_, page_);
  log_ = snapshot.log;
  if (log_ != nullptr) state_->log = std::make_unique<observe::AccessBatch>(log_, counters_);
  flush_.state = state_.get();
  end_drain_.worker = this;
  state_->on_handshake_room = [this] {
    for (const auto& [address, listener] : listeners_) listener->look_again();
  };
  if (const std::string error = apply(snapshot); !error.empty()) throw std::runtime_error(error);
}

void Worker::start(std::function<void()> on_ended) {
  on_ended_ = std::move(on_ended);
  thread_ = std::thread([this] { run(); });
}

// Everything new is made before anything old is given up, so a failure leaves all as it was.
std::string Worker::apply(const Snapshot& snapshot) {
  try {
    const std::shared_ptr<const config::Config>& config = snapshot.config;
    auto site =
        std::make_shared<Site>(loop_, files_, names_, state_->files, learners_, snapshot, state_->site.get());
    std::map<std::string, std::unique_ptr<Listener>> fresh;
    for (const config::Listener& entry : config->listeners) {
      if (listeners_.contains(entry.listen)) continue;
      const auto on_client = [this, address = entry.listen](os::UniqueFd fd, const os::Address& peer) {
        this->on_client(address, std::move(fd), peer);
      };
      const auto is_full = [this, address = entry.listen] { return this->is_full(address); };
      fresh.emplace(entry.listen, std::make_unique<Listener>(*state_, entry.listen, on_client, is_full));
    }
    std::map<std::string, std::unique_ptr<Listener>> kept;
    for (const config::Listener& entry : config->listeners) {
      auto& source = listeners_.contains(entry.listen) ? listeners_ : fresh;
      kept.emplace(entry.listen, std::move(source[entry.listen]));
    }
    for (auto& [address, listener] : listeners_) {
      if (listener != nullptr) listener->finish();  // under the old site: it knows what the address served
    }
    listeners_ = std::move(kept);
    state_->site = std::move(site);
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

// Looked up for each client: a reload may change what an address serves.
const config::Listener* Worker::listener_at(const std::string& address) const noexcept {
  for (const config::Listener& listener : state_->site->config().listeners)
    if (listener.listen == address) return &listener;
  return nullptr;
}

void Worker::on_client(const std::string& address, os::UniqueFd fd, const os::Address& peer) {
  const config::Listener* const listener = listener_at(address);
  if (listener == nullptr) return;
  if (listener->tls) {
    const tls::ServerContext* const context = state_->site->tls().listener(address);
    tls::SslPtr ssl = context == nullptr ? nullptr : context->new_connection();
    if (ssl == nullptr) return state_->counters.turned_away.add();
    return TlsHandshake::accept(*state_, *listener, std::move(ssl), std::move(fd), peer);
  }
  if (listener->protocol == config::Protocol::kTcp)
    return TcpSession::accept(*state_, *listener, std::move(fd), peer);
  if (listener->protocol == config::Protocol::kKafka)
    return KafkaConnection::accept(*state_, *listener, std::move(fd), peer);
  ClientConnection::accept(*state_, *listener, std::move(fd), peer);
}

bool Worker::is_full(const std::string& address) const noexcept {
  if (state_->handshakes < state_->site->config().limits.handshakes) return false;
  const config::Listener* const listener = listener_at(address);
  return listener != nullptr && listener->tls.has_value();
}

std::future<std::string> Worker::take(const Snapshot& snapshot) {
  auto answer = std::make_shared<std::promise<std::string>>();
  loop_.post([this, snapshot, answer] {
    const std::string error = apply(snapshot);
    if (error.empty() && snapshot.log != log_) {
      log_ = snapshot.log;
      state_->log = log_ == nullptr ? nullptr : std::make_unique<observe::AccessBatch>(log_, counters_);
    }
    answer->set_value(error);
  });
  return answer->get_future();
}

void Worker::run() {
  os::block_signals_in_this_thread();
  loop_.refresh_time();
  loop_.deadlines().set(flush_, loop_.now() + kFlushEvery);
  loop_.run();
  // On the loop's own thread, while everything they touch still stands.
  while (Session* session = state_->sessions.front()) session->cut();
  listeners_.clear();
  if (state_->log != nullptr) state_->log->flush();
  state_.reset();
  if (on_ended_) on_ended_();
}

void Worker::FlushLog::on_deadline() {
  if (state->log != nullptr) state->log->flush();
  state->counters.upstream_idle.set(state->site->idle_connections());
  state->counters.segments_open.set(state->site->open_segments());
  state->publish();
  state->loop.deadlines().set(*this, state->loop.now() + kFlushEvery);
}

void Worker::drain() {
  loop_.post([this] { begin_drain(); });
}

void Worker::begin_drain() {
  if (state_->draining) return;
  for (auto& [address, listener] : listeners_) listener->finish();
  state_->draining = true;
  state_->on_last_session = [this] { loop_.stop(); };
  loop_.deadlines().set(end_drain_, loop_.now() + state_->site->config().timeouts.drain);
  if (state_->session_count == 0) return loop_.stop();
  // A session that ends here leaves the list; the others go to its end, so that each is asked once.
  for (std::size_t n = state_->session_count; n != 0; --n) {
    Session* session = state_->sessions.front();
    if (session == nullptr) break;
    state_->sessions.push_back(*session);
    session->begin_drain();
  }
}

void Worker::EndDrain::on_deadline() {
  while (Session* session = worker->state_->sessions.front()) session->cut();
}

void Worker::stop() {
  loop_.post([this] { loop_.stop(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice::serve
