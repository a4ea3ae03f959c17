// The public library: a caller with a level-triggered loop of its own, who calls again when a socket is ready.
#include <optional>

#include "scenario.h"
#include "sluice/zero_copy.h"

namespace sluice::faults {

namespace {

// It has no edges to lose: an EAGAIN out of season is followed by another call.
constexpr int kPatience = 40;

// Both functions answer alike, so one judgement does for both.
void judge(Machine& machine, const Connection& sink, std::string_view expected, const Progress& last,
           bool stuck, bool may_fail, bool whole) {
  const std::string_view out = sink.sent;
  if (!starts_with(expected, out)) machine.violation("bytes out are not bytes in");
  if (stuck) return machine.violation("stuck");
  if (whole) {
    if (out != expected) machine.violation("done, but not all was delivered");
    if (sink.pushed != out.size()) machine.violation("done, with a tail held back");
    return machine.ended("done");
  }
  if (last.stop == Stop::kEnd) return machine.ended("source ended");
  if (!may_fail) machine.violation("failed without a cause");
  machine.ended("failed");
}

void play_files(Machine& machine) {
  Schedule& schedule = machine.schedule;
  auto [socket, sink] = machine.connection();
  const std::string_view bytes = pattern(1 + body_size(machine));
  const int file = machine.file(std::string(bytes));
  machine.off_loop = true;  // here a disk may be waited for: the caller's thread is its own affair
  sink->room = std::max(sink->room, bytes.size() / 64 + 1);
  const std::size_t offset = schedule.pick(static_cast<std::uint32_t>(bytes.size()));
  const std::size_t count = 1 + schedule.pick(static_cast<std::uint32_t>(bytes.size() + 10));
  const std::string_view expected = bytes.substr(offset, count);
  Watchdog dog(machine, {sink.get()}, kPatience);
  Progress last{};
  std::size_t sent = 0;
  bool stuck = false, whole = false;
  while (!whole && !stuck) {
    dog.play_peers();
    if (machine.strikes(Fault::kSinkResets, 64)) machine.reset_by_peer(*sink);
    dog.before_step();
    last = send_file(socket, file, offset + sent, count - sent);
    dog.after_step();
    sent += last.bytes;
    whole = sent == count;
    if (!whole && last.stop != Stop::kSinkFull) break;
    stuck = !whole && !dog.goes_on(last.bytes, false);
  }
  if (last.stop == Stop::kEnd && sent != expected.size() && !machine.struck(Fault::kFileShrinks)) {
    machine.violation("the end of the file comes early");
  }
  judge(machine, *sink, expected, last, stuck, sink->reset || machine.struck(Fault::kFileFails), whole);
  for (const int fd : {socket, file}) machine.on_close(fd);
}

void play_sockets(Machine& machine) {
  Schedule& schedule = machine.schedule;
  auto [from, source] = machine.connection();
  auto [to, sink] = machine.connection();
  const std::string_view body = pattern(1 + body_size(machine));
  for (auto* side : {source.get(), sink.get()}) side->room = std::max(side->room, body.size() / 64 + 1);
  source->script = body;
  constexpr Ends kEnds[] = {Ends::kFin, Ends::kNot, Ends::kReset};
  source->ends = kEnds[schedule.pick(3)];
  const std::size_t count =
      schedule.pick(2) == 0 ? body.size() : 1 + schedule.pick(static_cast<std::uint32_t>(body.size()));
  {
    std::optional<SocketRelay> relay;
    relay.emplace();
    Watchdog dog(machine, {source.get(), sink.get()}, kPatience);
    Progress last{};
    std::size_t moved = 0;
    bool stuck = false, whole = false;
    while (!whole && !stuck) {
      dog.play_peers();
      if (machine.strikes(Fault::kSinkResets, 64)) machine.reset_by_peer(*sink);
      dog.before_step();
      last = relay->move(from, to, count - moved);
      dog.after_step();
      moved += last.bytes;
      whole = moved >= count;
      if (moved > count) machine.violation("moves more than was asked");
      if (sink->sent.size() != moved) machine.violation("what it says it moved is not what arrived");
      if (source->taken != moved + relay->pending()) machine.violation("pending() is not what is under way");
      if (!whole && last.stop != Stop::kSinkFull && last.stop != Stop::kSourceDry) break;
      stuck = !whole && !dog.goes_on(last.bytes, false);
    }
    if (last.stop == Stop::kEnd && moved != body.size() && !whole) machine.violation("the end comes early");
    judge(machine, *sink, body.substr(0, count), last, stuck,
          sink->reset || source->reset || machine.struck(Fault::kNoMemory), whole);
  }
  for (const int fd : {from, to}) machine.on_close(fd);
}

void play(Machine& machine) {
  if (machine.schedule.pick(3) == 0) {
    play_files(machine);
  } else {
    play_sockets(machine);
  }
  if (machine.violated().empty() && machine.open_descriptors() != 0)
    machine.violation("a descriptor is left");
}

}  // namespace

const Scenario& library() {
  static const Scenario scenario{
      .name = "library",
      .play = &play,
      .faults = {Fault::kShort, Fault::kInterrupted, Fault::kNotYet, Fault::kRefuseIn, Fault::kRefuseOut,
                 Fault::kRefuseFile, Fault::kZeroOut, Fault::kNoMemory, Fault::kNoDescriptor, Fault::kOnePage,
                 Fault::kFewSlots, Fault::kSinkResets, Fault::kFileShrinks, Fault::kFileFails},
      .endings = {"done", "source ended", "failed"}};
  return scenario;
}

}  // namespace sluice::faults
