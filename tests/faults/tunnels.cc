// Tunnel: two sockets, bytes both ways, each side finishing when it likes.
#include <optional>

#include "scenario.h"
#include "serve/tunnel.h"

namespace sluice::faults {

namespace {

using serve::Tunnel;

// Bytes that were read before the tunnel began (behind the request's or the response's head).
bool preload(Machine& machine, Pools& pools, Side& side, std::string_view all) {
  const std::size_t along =
      machine.schedule.pick(2) == 0
          ? 0
          : machine.schedule.pick(static_cast<std::uint32_t>(std::min<std::size_t>(all.size(), 1024) + 1));
  if (along != 0) {
    if (!side.held.acquire(pools.relay.heads)) return false;
    std::copy_n(all.data(), along, side.held.room().data());
    side.held.filled(along);
  }
  side.peer->script = all.substr(along);
  return true;
}

void play_in(Machine& machine, Pools& pools) {
  Schedule& schedule = machine.schedule;
  Side client(machine, pools), server(machine, pools);
  if (!client.attached || !server.attached) return machine.ended("no event");
  const std::string_view up = pattern(body_size(machine), 1), down = pattern(body_size(machine), 2);
  const std::size_t longest = std::max(up.size(), down.size());
  for (Side* side : {&client, &server}) {
    side->peer->room = std::max(side->peer->room, longest / 64 + 1);
    constexpr Ends kEnds[] = {Ends::kFin, Ends::kNot, Ends::kReset, Ends::kFin};
    side->peer->ends = kEnds[schedule.pick(4)];
  }
  if (!preload(machine, pools, client, up) || !preload(machine, pools, server, down))
    return machine.ended("no memory");
  const std::string head = schedule.pick(2) == 0 ? "" : "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  constexpr std::size_t kBudgets[] = {1 << 20, 1000, 1, 5000};
  const std::size_t budget = std::max(kBudgets[schedule.pick(4)], longest / 64);

  std::optional<Tunnel> tunnel;
  tunnel.emplace(pools.relay, policy(machine), Tunnel::End{client.socket, client.held},
                 Tunnel::End{server.socket, server.held});
  Watchdog dog(machine, {client.peer.get(), server.peer.get()});
  Tunnel::Result last = Tunnel::Result::kRunning;
  bool first = true, quiet = false;
  for (;;) {
    dog.play_peers();
    pools.loop.run();
    dog.before_step();
    last = tunnel->drive(budget, std::exchange(first, false) ? head : std::string_view());
    dog.after_step();
    machine.say("drive: %d\n", static_cast<int>(last));
    if (last != Tunnel::Result::kRunning && last != Tunnel::Result::kMoreLater) break;
    if (!dog.goes_on(tunnel->moved() ? 1 : 0, last == Tunnel::Result::kMoreLater)) {
      quiet = true;
      break;
    }
  }
  if (!machine.violated().empty()) return;

  const std::string_view to_client = client.peer->sent, to_server = server.peer->sent;
  const std::string all_down = head + std::string(down);
  if (!starts_with(up, to_server) || !starts_with(all_down, to_client))
    machine.violation("bytes out are not bytes in");
  const bool has_reset = client.peer->ends == Ends::kReset || server.peer->ends == Ends::kReset;
  const bool all_passed = to_server == up && to_client == all_down;
  if (last == Tunnel::Result::kEnded) {
    if (!all_passed) machine.violation("ended, but not all was delivered");
    if (!client.peer->sent_fin || !server.peer->sent_fin) machine.violation("ended, but a side was not told");
    if (client.peer->ends != Ends::kFin || server.peer->ends != Ends::kFin)
      machine.violation("ended without two ends");
    machine.ended("ended");
  } else if (last == Tunnel::Result::kFailed) {
    if (!has_reset && !machine.struck(Fault::kNoMemory)) machine.violation("failed without a cause");
    machine.ended("failed");
  } else if (quiet) {
    // Nothing can happen any more: then all has been delivered, and each end was passed on.
    if (!all_passed) machine.violation("stuck: bytes are left behind");
    if (has_reset) machine.violation("a reset went unnoticed");
    if ((client.peer->ends == Ends::kFin) != server.peer->sent_fin ||
        (server.peer->ends == Ends::kFin) != client.peer->sent_fin) {
      machine.violation("a half-close was not passed on");
    }
    if (client.peer->pushed != to_client.size() || server.peer->pushed != to_server.size())
      machine.violation("a tail is held back");
    if (!pools.idle()) machine.violation("a quiet tunnel holds a pipe or a block");
    machine.ended(client.peer->sent_fin || server.peer->sent_fin ? "half open" : "open and quiet");
  } else {
    machine.violation("answers a broken ledger");
  }
  tunnel.reset();
  client.held.release();
  server.held.release();
  if (!pools.idle()) machine.violation("a pipe or a block is left");
  if (machine.bytes_in_pipes() != 0) machine.violation("a pipe went back with bytes in it");
}

void play(Machine& machine) {
  {
    Pools pools(machine);
    play_in(machine, pools);
  }
  if (machine.violated().empty() && machine.open_descriptors() != 0)
    machine.violation("a descriptor is left");
}

}  // namespace

const Scenario& tunnels() {
  static const Scenario scenario{
      .name = "tunnels",
      .play = &play,
      .faults = {Fault::kShort, Fault::kInterrupted, Fault::kNotYet, Fault::kRefuseIn, Fault::kRefuseOut,
                 Fault::kZeroOut, Fault::kNoMemory, Fault::kNoDescriptor, Fault::kOnePage, Fault::kFewSlots,
                 Fault::kNoEvents},
      .endings = {"ended", "failed", "half open", "open and quiet"}};
  return scenario;
}

}  // namespace sluice::faults
