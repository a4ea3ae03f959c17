// A whole worker between clients and servers: requests routed, connections kept and reused, upgrades, retries.
//
// Promises: a client gets its own responses, in order, byte for byte, or sees that one was cut; a server gets
// requests that clients sent, byte for byte, a POST once at most, and nothing behind an upgrade it has not
// accepted. Without a cause every request is answered; in the end nothing is left.
#include <algorithm>
#include <optional>

#include "config/parse.h"
#include "peers.h"
#include "scenario.h"
#include "serve/client_connection.h"
#include "serve/listener.h"

namespace sluice::faults {

namespace {

std::shared_ptr<const config::Config> configuration() {
  static const auto config = std::make_shared<const config::Config>(config::parse(R"({
    "listeners": [{"listen": "127.0.0.1:80"}],
    "upstreams": {"app": {"servers": ["127.0.0.1:8001", "127.0.0.1:8002"]}},
    "routes": [{"path": "/", "proxy": "app", "relay": {"splice_min": 500}}],
    "limits": {"head": 2048, "target": 1024, "relay_buffer": 4096, "pipe": 65536, "pipes": 8}
  })",
                                                                                  ""));
  return config;
}

class World {
 public:
  explicit World(Machine& machine)
      : machine_(machine), state_(loop_, offload_, *configuration(), counters_, {}) {
    const serve::Snapshot snapshot{.config = configuration(),
                                   .tls = std::make_shared<const tls::Contexts>(),
                                   .services = std::make_shared<const serve::Services>(),
                                   .log = nullptr};
    state_.site =
        std::make_shared<serve::Site>(loop_, offload_, offload_, state_.files, learners_, snapshot, nullptr);
    listener_.emplace(state_, "127.0.0.1:80", [this](os::UniqueFd fd, const os::Address& peer) {
      serve::ClientConnection::accept(state_, configuration()->listeners.front(), std::move(fd), peer);
    });
    const std::size_t clients = 1 + machine.schedule.pick(3);
    for (std::size_t i = 0; i < clients; ++i) clients_.push_back(std::make_unique<Client>(machine, book_, i));
  }

  void play() {
    for (const auto& client : clients_) machine_.arrive_at_listener(client->connection);
    for (int idle = 0, turns = 0; idle < 4; ++turns) {
      const std::size_t before = traffic();
      play_peers();
      const std::uint64_t calls = machine_.calls();
      loop_.run();
      const std::size_t after = traffic();
      if (machine_.calls() - calls > 1000 + 8 * (after - before))
        machine_.violation("spins: calls that move nothing");
      if (turns > 100'000) machine_.violation("never comes to rest");
      if (!machine_.violated().empty()) return;
      if (after == before) machine_.time += std::chrono::milliseconds(10);  // a listener may rest for a while
      idle = after == before && machine_.quiet() && peers_are_done() ? idle + 1 : 0;
    }
    // Nothing moves any more. Whoever was not answered by now waits for a peer that said nothing, or for ever.
    const bool trouble = has_trouble();
    for (const auto& client : clients_) {
      if (!trouble && !client->is_served(book_)) machine_.violation("stuck: a request waits without a cause");
    }
    // Time passes: whatever still waits meets its deadline.
    for (int i = 0; i < 400 && state_.session_count != 0; ++i) {
      machine_.time += std::chrono::seconds(7);
      play_peers();
      loop_.run();
    }
    if (state_.session_count != 0) machine_.violation("a session outlives every deadline");
    for (const auto& client : clients_) machine_.drain(*client->connection, std::string::npos);
    if (trouble) book_.trouble = true;
    for (const auto& client : clients_) client->judge(machine_, book_);
    if (counters_.ledger_violations.read() != 0) machine_.violation("a ledger broke");
    for (const auto& client : clients_)
      machine_.ended(client->whole_answers() != 0 ? "answered" : "not answered");
    for (std::size_t i = 0; i < observe::kEndings; ++i) {
      if (counters_.endings[i].read() != 0) machine_.ended(observe::name_of(static_cast<observe::Ending>(i)));
    }
    if (counters_.upstream_reuses.read() != 0) machine_.ended("a connection was used again");
    if (counters_.upstream_retries.read() != 0) machine_.ended("a request was tried again");
    if (counters_.tunnels.read() != 0) machine_.violation("a tunnel is counted that is over");
    listener_->finish();
    state_.site.reset();
    if (state_.relay.pipes.in_use() + state_.relay.buffers_in_use() != 0) {
      machine_.violation("a pipe or a block is left");
    }
    if (machine_.bytes_in_pipes() != 0) machine_.violation("a pipe went back with bytes in it");
  }

 private:
  [[nodiscard]] bool has_trouble() const {
    for (const Fault fault : {Fault::kNoMemory, Fault::kNoDescriptor, Fault::kNoEvents, Fault::kNoConnection,
                              Fault::kSinkResets, Fault::kServerResets}) {
      if (machine_.struck(fault)) return true;
    }
    return book_.trouble;
  }

  void play_peers() {
    Schedule& schedule = machine_.schedule;
    while (servers_.size() < machine_.dialled.size()) {
      servers_.push_back(std::make_unique<Server>(machine_, book_, machine_.dialled[servers_.size()]));
    }
    for (const auto& server : servers_) {
      Connection& c = *server->connection;
      if (c.connecting && !c.closed && schedule.pick(4) != 3) {
        machine_.connected(c, machine_.strikes(Fault::kNoConnection) ? ECONNREFUSED : 0);
      }
      move(c);
      server->play();
      if (!c.connecting && machine_.strikes(Fault::kServerResets, 64)) machine_.reset_by_peer(c);
    }
    for (const auto& client : clients_) {
      move(*client->connection);
      if (machine_.strikes(Fault::kSinkResets, 64)) machine_.reset_by_peer(*client->connection);
    }
    machine_.run_one_job();
  }

  void move(Connection& c) {
    Schedule& schedule = machine_.schedule;
    if (!c.all_arrived() && schedule.pick(4) != 3)
      machine_.arrive(c, schedule.part(c.script.size() - c.arrived));
    if (c.pushed > c.acked && schedule.pick(4) != 3) machine_.drain(c, schedule.part(c.pushed - c.acked));
    if (c.sent_fin && c.ends == Ends::kNot && c.acked == c.sent.size())
      c.ends = Ends::kFin;  // as a peer would
  }

  [[nodiscard]] std::size_t traffic() const {
    std::size_t sum = servers_.size();
    const auto add = [&](const Connection& c) {
      sum += c.arrived + c.taken + c.sent.size() + c.acked + c.script.size() + (c.fin ? 1 : 0) +
             (c.reset ? 1 : 0) + (c.closed ? 1 : 0) + (c.sent_fin ? 1 : 0);
    };
    for (const auto& server : servers_) add(*server->connection);
    for (const auto& client : clients_) add(*client->connection);
    return sum;
  }

  [[nodiscard]] bool peers_are_done() const {
    const auto done = [](const Connection& c) {
      if (c.reset || c.told_reset || (c.closed && c.connecting)) return true;
      return c.pushed == c.acked && (c.closed || (c.all_arrived() && !c.connecting));
    };
    return servers_.size() == machine_.dialled.size() &&
           std::all_of(servers_.begin(), servers_.end(),
                       [&](const auto& s) { return done(*s->connection); }) &&
           std::all_of(clients_.begin(), clients_.end(), [&](const auto& c) { return done(*c->connection); });
  }

  Machine& machine_;
  loop::EventLoop loop_;
  loop::Offload offload_{1, 8};
  observe::Counters counters_;
  relay::Learners learners_;
  serve::WorkerState state_;
  std::optional<serve::Listener> listener_;
  Book book_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Server>> servers_;
};

void play(Machine& machine) {
  {
    machine.calm = true;
    World world(machine);
    machine.calm = false;
    world.play();
    if (!machine.violated().empty()) return;
  }
  if (machine.open_descriptors() != 0) machine.violation("a descriptor is left");
}

}  // namespace

const Scenario& exchanges() {
  static const Scenario scenario{
      .name = "exchanges",
      .play = &play,
      .faults = {Fault::kShort, Fault::kInterrupted, Fault::kNotYet, Fault::kRefuseIn, Fault::kRefuseOut,
                 Fault::kZeroOut, Fault::kNoMemory, Fault::kNoDescriptor, Fault::kOnePage, Fault::kFewSlots,
                 Fault::kSinkResets, Fault::kNoEvents, Fault::kNoConnection, Fault::kServerCuts,
                 Fault::kServerResets, Fault::kServerTalksNonsense, Fault::kServerIsEarly,
                 Fault::kServerIsSilent},
      .endings = {"answered", "not answered", "completed", "a connection was used again",
                  "a request was tried again"}};
  return scenario;
}

}  // namespace sluice::faults
