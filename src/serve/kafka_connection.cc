#include "serve/kafka_connection.h"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "config/server.h"
#include "os/socket.h"
#include "relay/socket_channel.h"

namespace sluice::serve {

namespace {

constexpr std::size_t kLength = 4;            // bytes that tell a request's length
constexpr int kRequestsPerTurn = 16;          // then others have theirs
constexpr std::size_t kWorthKeeping = 4_KiB;  // of room for half a request, by an idle connection
constexpr char kProtocol[] = "kafka";

std::uint32_t length_of(std::string_view bytes) noexcept {
  std::uint32_t length = 0;
  for (const char c : bytes.substr(0, kLength)) length = length << 8 | static_cast<unsigned char>(c);
  return length;
}

// Records go by sendfile whatever their size: nobody here looks at them.
relay::Policy policy_for_records(const config::Relay& relay, const config::Config& config) noexcept {
  relay::Policy policy = policy_of(relay, config);
  policy.sendfile_min = 0;
  return policy;
}

config::Server advertised(const config::Kafka& kafka, const os::Address& local) {
  std::string remedy;  // validate() has refused malformed ones
  if (auto told = config::parse_server(kafka.advertise, remedy)) return *told;
  return {.host = local.ip(), .port = local.port()};
}

// The configuration's topic of access log lines, where this log has it.
std::string access_topic(const config::Config& config, const config::Kafka& kafka) {
  const auto normal = [](const std::string& path) { return std::filesystem::path(path).lexically_normal(); };
  return normal(config.access_log.directory) == normal(kafka.log) ? config.access_log.topic : "";
}

broker::Broker broker_for(WorkerState& state, const Site& site, const config::Kafka& kafka,
                          const os::Address& peer, const os::Address& local) {
  LogAccess& log = *site.log(kafka.log);
  const std::string& cluster = log.directory().cluster_id();
  config::Server told = advertised(kafka, local);
  return {.loop = state.loop,
          .counters = state.counters,
          .catalog = log.catalog(),
          .reader = log.reader(),
          .coordinator = site.coordinator(kafka),
          .config = kafka,
          .cluster = cluster.empty() ? "sluice" : cluster,
          .host = std::move(told.host),
          .port = told.port,
          .client_host = "/" + peer.ip(),
          .access_topic = access_topic(site.config(), kafka)};
}

}  // namespace

void KafkaConnection::accept(WorkerState& state, const config::Listener& listener, os::UniqueFd fd,
                             const os::Address& peer) {
  const os::Address local = os::local_address(fd.get());
  auto client = std::make_unique<relay::SocketChannel>();
  if (!client->attach(state.loop, std::move(fd))) return state.counters.turned_away.add();
  begin(state, state.site, listener, std::move(client), peer, local, {})->start();
}

KafkaConnection* KafkaConnection::begin(WorkerState& state, const std::shared_ptr<const Site>& site,
                                        const config::Listener& listener,
                                        std::unique_ptr<relay::Channel> client, const os::Address& peer,
                                        const os::Address& local, const Secured& secured) {
  auto* connection = new KafkaConnection(state, site, listener, std::move(client), peer, local,
                                         secured);  // owned by itself: see Session
  state.begin_session(*connection);
  state.counters.kafka_connections.add();
  return connection;
}

KafkaConnection::KafkaConnection(WorkerState& state, const std::shared_ptr<const Site>& site,
                                 const config::Listener& listener, std::unique_ptr<relay::Channel> client,
                                 const os::Address& peer, const os::Address& local, const Secured& secured)
    : state_(state),
      site_(site),
      listener_(listener),
      peer_(peer),
      secured_(secured),
      policy_(policy_for_records(listener.relay, site->config())),
      broker_(broker_for(state, *site, *listener.kafka, peer, local)),
      client_(std::move(client)) {
  client_->set_handler(*this);
  wait_for_request();
}

KafkaConnection::~KafkaConnection() = default;

void KafkaConnection::on_channel(relay::Channel&) {
  // Nobody waits for the answer any more: a broker gives none either to one who has ended its writing.
  if (stage_ == Stage::kWorking && (client_->peer_closed() || client_->failed()))
    return end(observe::Ending::kClientGone, relay::Close::kClean);
  drive();
}

void KafkaConnection::drive() {
  for (int requests = 0; requests < kRequestsPerTurn; ++requests) {
    if (stage_ == Stage::kReading && !read()) return;
    if (stage_ == Stage::kWorking) return;
    if (!send()) return;
  }
  state_.loop.defer(*this);
}

// --- a request ---

// True: a request was taken, and is worked on or answered.
bool KafkaConnection::read() {
  for (;;) {
    const std::string_view bytes = std::string_view(held_).substr(used_);
    if (bytes.size() >= kLength) {
      const std::uint32_t length = length_of(bytes);
      if (length > listener_.kafka->frame)
        return refuse(observe::Ending::kClientBodyTooLarge,
                      "a request of " + std::to_string(length) + " bytes, or no request at all");
      if (bytes.size() - kLength >= length) {
        used_ += kLength + length;
        return take_request(bytes.substr(kLength, length));
      }
    }
    if (!client_->readable()) return false;
    const std::span<char> scratch(state_.relay.scratch.get(), state_.relay.scratch_size);
    const os::IoResult got = client_->recv(scratch);
    if (got.would_block()) return false;
    if (!got.ok() || got.bytes == 0) {
      end(observe::Ending::kClientGone, relay::Close::kClean);
      return false;
    }
    if (bytes.empty())  // a request begins
      state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.head);
    held_.erase(0, std::exchange(used_, 0));
    held_.append(scratch.data(), got.bytes);
  }
}

bool KafkaConnection::take_request(std::string_view frame) {
  state_.counters.kafka_requests.add();
  request_bytes_ = kLength + frame.size();
  began_ = state_.loop.now();
  wall_ = os::wall_now();
  asked_ = {};
  broker::Taken taken = broker::take(
      broker_, frame,
      [this](relay::Body body) {
        call_.reset();
        answer(std::move(body));
        drive();
      },
      asked_);
  if (!taken.answer && taken.call == nullptr) return refuse(observe::Ending::kClientInvalid, taken.why);
  if (used_ == held_.size()) {
    used_ = 0;
    held_.clear();
    if (held_.capacity() > kWorthKeeping) held_.shrink_to_fit();
  }
  if (taken.answer) {
    answer(std::move(*taken.answer));
  } else {
    stage_ = Stage::kWorking;
    call_ = std::move(taken.call);
    Deadline::cancel();  // each Call ends in a time of its own
  }
  return true;
}

bool KafkaConnection::refuse(observe::Ending ending, std::string_view why) {
  state_.counters.kafka_invalid.add();
  state_.tell_kafka_refused(listener_.listen, peer_, asked_.api, why);
  if (asked_.api.empty()) {
    began_ = state_.loop.now();
    wall_ = os::wall_now();
  }
  log(ending);
  end(ending, relay::Close::kClean);
  return false;
}

void KafkaConnection::wait_for_request() {
  stage_ = Stage::kReading;
  state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.tunnel_idle);
}

// --- its answer ---

void KafkaConnection::answer(relay::Body body) {
  stage_ = Stage::kSending;
  transfer_.emplace(state_.relay, std::move(body), policy_, [this] { drive(); });
  state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.body_idle);
}

// True: it was delivered.
bool KafkaConnection::send() {
  const StepResult result = transfer_->step(*client_, kBudget);
  if (result.bytes != 0)
    state_.loop.deadlines().set(*this, state_.loop.now() + site_->config().timeouts.body_idle);
  const auto over = [this](observe::Ending ending) {
    log(ending);
    end(ending, relay::Close::kReset);
    return false;
  };
  switch (result.step) {
    case Step::kDone:
      log(observe::Ending::kCompleted);
      transfer_.reset();
      if (state_.draining) {
        end(observe::Ending::kCompleted, relay::Close::kClean);
        return false;
      }
      wait_for_request();
      return true;
    case Step::kMoved:
      state_.loop.defer(*this);
      return false;
    case Step::kSinkFull:
    case Step::kWaiting:
    case Step::kSourceDry:
      return false;
    case Step::kTruncated:
      return over(observe::Ending::kFileCut);
    case Step::kSourceFailed:
      return over(observe::Ending::kFileFailed);
    case Step::kSinkFailed:
      return over(observe::Ending::kClientGone);
    case Step::kMalformed:
    case Step::kTooLarge:
    case Step::kUnsupported:
    case Step::kLedgerBroken:
      return over(observe::Ending::kInternal);
  }
  return false;
}

// --- the end ---

void KafkaConnection::on_deadline() {
  if (stage_ == Stage::kSending) {
    log(observe::Ending::kClientStalled);
    return end(observe::Ending::kClientStalled, relay::Close::kReset);
  }
  if (held_.size() == used_) return end(observe::Ending::kCompleted, relay::Close::kClean);  // idle
  refuse(observe::Ending::kClientHeadTimeout, "the rest of a request did not come in time");
}

void KafkaConnection::begin_drain() {
  switch (stage_) {
    case Stage::kReading:
      return end(observe::Ending::kCompleted, relay::Close::kClean);
    case Stage::kWorking:
      return call_->hurry();
    case Stage::kSending:
      return;
  }
}

void KafkaConnection::cut() {
  if (stage_ != Stage::kReading) log(observe::Ending::kDrained);
  end(observe::Ending::kDrained, relay::Close::kReset);
}

void KafkaConnection::end(observe::Ending, relay::Close how) {
  client_->close(how);
  state_.end_session(*this);
}

// One line and one ending a request.
void KafkaConnection::log(observe::Ending ending) {
  observe::Counters& counters = state_.counters;
  counters.endings[static_cast<std::size_t>(ending)].add();
  if (ending == observe::Ending::kInternal) {
    counters.ledger_violations.add();
    spdlog::error("a response's ledger did not balance on listener {}; it was cut", listener_.listen);
  }
  const relay::Choice choice = transfer_ ? transfer_->choice() : relay::Choice{};
  const std::uint64_t sent = transfer_ ? transfer_->delivered() : 0;
  const std::uint64_t zero_copy = transfer_ ? transfer_->zero_copy() : 0;
  if (transfer_) {
    counters.bytes_to_clients.add(sent);
    counters.bodies_by_path[static_cast<std::size_t>(choice.strategy)].add();
    counters.bodies_by_reason[static_cast<std::size_t>(choice.reason)].add();
    counters.bytes_by_path[static_cast<std::size_t>(choice.strategy)].add(zero_copy + transfer_->mapped());
    counters.bytes_by_path[static_cast<std::size_t>(relay::Strategy::kBuffered)].add(sent - zero_copy -
                                                                                     transfer_->mapped());
    counters.cold_waits.add(transfer_->cold_waits());
  }
  // Else whoever follows the access log would be woken by the entry for having been woken.
  if (state_.log == nullptr || asked_.of_access_log) return;
  state_.log->add({
      .time = wall_,
      .client = peer_,
      .method = asked_.api,
      .target = asked_.subject,
      .user_agent = asked_.client_id,
      .protocol = kProtocol,
      .tls = log_of(secured_),
      .route = listener_.listen,
      .bytes_in = request_bytes_,
      .bytes_out = sent,
      .zero_copy = zero_copy,
      .path = relay::name_of(choice.strategy),
      .why = relay::name_of(choice.reason),
      .end = ending,
      .total = std::chrono::duration_cast<std::chrono::microseconds>(state_.loop.now() - began_),
  });
}

}  // namespace sluice::serve
