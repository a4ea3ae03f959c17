// What is played on the machine, and the parts that the scenarios share.
//
// A scenario sets up some of Sluice on the machine, plays the peers, and judges: Machine::violation() for each
// promise that was broken. It draws everything from the machine's schedule, so that a schedule is a whole story.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/step.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "loop/socket.h"
#include "machine.h"
#include "relay/resources.h"
#include "relay/socket_channel.h"
#include "relay/stream_transfer.h"

namespace sluice::faults {

struct Scenario {
  const char* name;
  void (*play)(Machine&);
  std::vector<Fault> faults;              // which must have struck at least once in a run of many schedules
  std::vector<std::string_view> endings;  // likewise reached
};

const Scenario& streams();    // StreamTransfer: socket to socket
const Scenario& bodies();     // BodyTransfer: memory and files to a socket
const Scenario& tunnels();    // Tunnel: both ways, half-closes
const Scenario& library();    // include/sluice/zero_copy.h
const Scenario& exchanges();  // a whole proxy: clients, servers, connections kept and reused

// A worker's loop and pools, with small sizes, so that small bodies fill them.
struct Pools {
  explicit Pools(Machine& machine);
  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  relay::Resources relay;
  [[nodiscard]] bool idle() const noexcept {
    return relay.pipes.in_use() == 0 && relay.buffers_in_use() == 0;
  }
};

// One of our sockets and the connection behind it.
struct Side final {
  Side(Machine& machine, Pools& pools);
  std::shared_ptr<Connection> peer;
  relay::SocketChannel socket;
  relay::Buffer held;
  bool attached = false;
};

// `size` bytes that do not repeat for a long time; `which` makes bodies differ.
std::string_view pattern(std::size_t size, std::size_t which = 0);
std::size_t body_size(Machine& machine);
relay::Policy policy(Machine& machine);

// The peers' part of a turn: some of what is to come arrives, some of what was sent is read, or a peer leaves.
// Asks for `step` as often as a loop would, and watches that it neither spins nor hangs.
class Watchdog {
 public:
  // `patience`: turns in which nothing changes, and nothing can.
  Watchdog(Machine& machine, std::vector<Connection*> connections, int patience = 3)
      : machine_(machine), all_(std::move(connections)), patience_(patience) {}

  void play_peers();
  // After each step: `bytes` it says it moved, and whether it asks to be called again at once. false: nothing can
  // change any more, and nothing has for some turns.
  bool goes_on(std::size_t bytes, bool at_once);
  void before_step() noexcept;
  void after_step();  // counts its calls against what they moved

 private:
  [[nodiscard]] std::size_t traffic() const noexcept;
  [[nodiscard]] bool peers_are_done() const noexcept;

  Machine& machine_;
  std::vector<Connection*> all_;
  const int patience_;
  std::uint64_t calls_ = 0;
  std::size_t traffic_ = 0, last_traffic_ = 0;
  int idle_ = 0, spins_ = 0;
};

bool starts_with(std::string_view whole, std::string_view part);
const char* name_of(Step step) noexcept;

}  // namespace sluice::faults
