// StreamTransfer: one body, or two one after the other on the same pools, from a socket to a socket.
#include <optional>

#include "scenario.h"

namespace sluice::faults {

namespace {

using relay::Shape;

// A body as it stands on the wire, and where its payload stands in that.
struct Wire {
  std::string bytes;
  struct Run {
    std::size_t at, size;  // payload bytes of the wire
  };
  std::vector<Run> runs;
  std::vector<std::size_t> framing;  // offsets at which a wrong byte is an error at once

  // How much payload lies before this offset.
  [[nodiscard]] std::size_t payload_before(std::size_t offset) const noexcept {
    std::size_t sum = 0;
    for (const Run& run : runs) {
      if (run.at < offset) sum += std::min(run.size, offset - run.at);
    }
    return sum;
  }
};

Wire wire_of(Machine& machine, std::string_view body, bool chunked) {
  Wire wire;
  if (!chunked) {
    wire.runs.push_back({0, body.size()});
    wire.bytes = body;
    return wire;
  }
  while (!body.empty()) {
    const std::size_t size = machine.schedule.part(body.size());
    char head[32];
    const int digits =
        std::snprintf(head, sizeof head, machine.schedule.pick(4) == 3 ? "%04zX" : "%zx", size);
    wire.framing.push_back(wire.bytes.size());
    wire.bytes.append(head, static_cast<std::size_t>(digits));
    if (machine.schedule.pick(8) == 7) wire.bytes += ";ext=\"1\"";
    wire.bytes += "\r\n";
    wire.runs.push_back({wire.bytes.size(), size});
    wire.bytes += body.substr(0, size);
    wire.framing.push_back(wire.bytes.size());
    wire.bytes += "\r\n";
    body.remove_prefix(size);
  }
  wire.framing.push_back(wire.bytes.size());
  wire.bytes += "0\r\n";
  if (machine.schedule.pick(4) == 3) wire.bytes += "X-Sum: 1\r\n";
  wire.bytes += "\r\n";
  return wire;
}

bool keep_trailers(std::string_view raw, std::string& out) {
  out += raw;
  return true;
}

// What arrived at the sink. Knows nothing of the decoder under test.
struct Received {
  std::string payload;
  bool complete = false;  // the framing says so
  bool sound = true;      // what is there is a beginning of something sound
};

Received received(std::string_view out, bool chunked) {
  if (!chunked) return {.payload = std::string(out)};
  Received got;
  for (;;) {
    const std::size_t eol = out.find("\r\n");
    if (eol == std::string_view::npos) return got;
    const std::size_t size = std::stoul(std::string(out.substr(0, eol)), nullptr, 16);
    out.remove_prefix(eol + 2);
    if (size == 0) break;
    got.payload += out.substr(0, size);
    if (out.size() < size + 2) return got;
    if (out.substr(size, 2) != "\r\n") {
      got.sound = false;
      return got;
    }
    out.remove_prefix(size + 2);
  }
  const std::size_t end = out.starts_with("\r\n") ? 0 : out.find("\r\n\r\n");
  if (end == std::string_view::npos) return got;
  got.complete = true;
  got.sound = out.size() == (end == 0 ? 2 : end + 4);
  return got;
}

// How the source ends: whole, cut short, or with nonsense in its framing.
struct Ending {
  Ends how = Ends::kNot;
  bool cut = false, malformed = false;
  std::size_t good = 0;  // the wire is as it should be up to here
};

Ending spoil(Machine& machine, Wire& wire, bool delimited) {
  Schedule& schedule = machine.schedule;
  Ending ending{.how = delimited ? Ends::kNot : Ends::kFin, .good = wire.bytes.size()};
  const auto some_end = [&] { return schedule.pick(2) == 0 ? Ends::kFin : Ends::kReset; };
  switch (schedule.pick(8)) {
    case 7:
    case 6:
      if (wire.bytes.empty()) break;
      ending = {.how = some_end(),
                .cut = true,
                .good = schedule.pick(static_cast<std::uint32_t>(wire.bytes.size()))};
      wire.bytes.resize(ending.good);
      break;
    case 5:
      if (wire.framing.empty()) break;
      ending.malformed = true;
      ending.good = wire.framing[schedule.pick(static_cast<std::uint32_t>(wire.framing.size()))];
      wire.bytes[ending.good] = '_';
      break;
    case 4:
      ending.how = some_end();
      break;
    default:
      break;
  }
  return ending;
}

void play_one(Machine& machine, Pools& pools, std::size_t which) {
  Schedule& schedule = machine.schedule;
  constexpr Shape kShapes[] = {Shape::kLength, Shape::kChunk, Shape::kUntilClose, Shape::kTunnel};
  const Shape shape = kShapes[schedule.pick(4)];
  const bool delimited = shape == Shape::kLength || shape == Shape::kChunk;
  const bool chunk_out = shape != Shape::kTunnel && schedule.pick(2) == 1;
  const std::string_view body = pattern(body_size(machine), which);
  Wire wire = wire_of(machine, body, shape == Shape::kChunk);
  const Ending ending = spoil(machine, wire, delimited);
  const std::size_t limit = schedule.pick(16) == 15 ? 1 + schedule.pick(3000) : 0;
  // The next message stands right behind this one, and is none of its business.
  const std::string_view behind =
      delimited && !ending.cut && schedule.pick(4) == 3 ? std::string_view("GET /next HTTP/1.1\r\n\r\n") : "";

  Side source(machine, pools), sink(machine, pools);
  if (!source.attached || !sink.attached) return machine.ended("no event");
  for (Side* side : {&source, &sink}) side->peer->room = std::max(side->peer->room, body.size() / 64 + 1);
  const std::string all = wire.bytes + std::string(behind);
  // Some of it may have come along with the head.
  const std::size_t along =
      schedule.pick(2) == 0
          ? 0
          : schedule.pick(static_cast<std::uint32_t>(std::min<std::size_t>(all.size(), 1024) + 1));
  if (along != 0) {
    if (!source.held.acquire(pools.relay.heads)) return machine.ended("no memory");
    std::copy_n(all.data(), along, source.held.room().data());
    source.held.filled(along);
  }
  source.peer->script = all.substr(along);
  source.peer->ends = ending.how;
  const std::string head =
      schedule.pick(2) == 0 ? "" : "HEAD " + std::string(schedule.pick(300), 'h') + "\r\n\r\n";

  std::optional<relay::StreamTransfer> transfer;
  transfer.emplace(pools.relay, relay::StreamPlan{.in = shape,
                                                  .length = body.size(),
                                                  .chunk_out = chunk_out,
                                                  .limit = limit,
                                                  .policy = policy(machine),
                                                  .filter_trailers = &keep_trailers});
  constexpr std::size_t kBudgets[] = {1 << 20, 1000, 1, 5000};
  const std::size_t budget = std::max(kBudgets[schedule.pick(4)], body.size() / 64);

  Watchdog dog(machine, {source.peer.get(), sink.peer.get()});
  StepResult last{.step = Step::kMoved};
  bool first = true, stuck = false;
  for (;;) {
    dog.play_peers();
    if (machine.strikes(Fault::kSinkResets, 64)) machine.reset_by_peer(*sink.peer);
    pools.loop.run();
    dog.before_step();
    last = transfer->step(source.socket, source.held, sink.socket, budget,
                          std::exchange(first, false) ? head : std::string_view());
    dog.after_step();
    machine.say("step: %s, %zu\n", name_of(last.step), last.bytes);
    if (last.bytes > budget + 65536) machine.violation("a step moves far more than its budget");
    if (last.step != Step::kMoved && last.step != Step::kSourceDry && last.step != Step::kSinkFull) break;
    if (last.step == Step::kSourceDry) {
      if (sink.peer->pushed != sink.peer->sent.size())
        machine.violation("waits for the source with a tail held back");
      if (pools.relay.pipes.in_use() != 0) machine.violation("a dry source holds a pipe");
      if (source.held.holds_block()) machine.violation("a dry source holds a block");
    }
    if (!dog.goes_on(last.bytes, last.step == Step::kMoved)) {
      stuck = true;
      break;
    }
  }
  if (!machine.violated().empty()) return;

  // --- judgement ---
  const std::string_view out = sink.peer->sent;
  const Received got =
      received(out.size() > head.size() ? out.substr(head.size()) : std::string_view(), chunk_out);
  const std::size_t arrived_good = wire.payload_before(ending.good);
  const bool no_memory = machine.struck(Fault::kNoMemory);
  if (out.substr(0, head.size()) != std::string_view(head).substr(0, out.size()))
    machine.violation("the head is not what was to be sent");
  if (!got.sound) machine.violation("the sink's framing is broken");
  if (!starts_with(body, got.payload)) machine.violation("bytes out are not bytes in");
  if (got.complete && last.step != Step::kDone) machine.violation("a cut body looks whole");
  if (transfer->delivered() != got.payload.size()) machine.violation("delivered() is not what was delivered");
  const auto wants = [&](bool allowed) {
    if (!allowed) machine.violation(std::string("ended without a cause: ") + name_of(last.step));
  };
  switch (last.step) {
    case Step::kDone:
      wants(!ending.cut || (!delimited && ending.how == Ends::kFin));
      wants(!ending.malformed && (delimited || ending.how == Ends::kFin));
      if (got.payload.size() != arrived_good) machine.violation("done, but not all was delivered");
      if (chunk_out && !got.complete) machine.violation("done, but the sink's framing does not say so");
      if (sink.peer->pushed != out.size()) machine.violation("done, with a tail held back");
      if (delimited &&
          std::string(source.held.view()) + source.peer->script.substr(source.peer->taken) != behind) {
        machine.violation("the next message was touched");
      }
      machine.ended("done");
      break;
    case Step::kTruncated:
      wants(ending.cut && ending.how == Ends::kFin && delimited);
      if (got.payload.size() != arrived_good)
        machine.violation("truncated, and what had arrived was not delivered");
      machine.ended("truncated");
      break;
    case Step::kMalformed:
      wants(ending.malformed);
      if (got.payload.size() != arrived_good)
        machine.violation("malformed, and what was sound was not delivered");
      machine.ended("malformed");
      break;
    case Step::kTooLarge:
      wants(limit != 0 && body.size() > limit);
      machine.ended("too large");
      break;
    case Step::kSourceFailed:
      wants(no_memory || ending.how == Ends::kReset);
      machine.ended(no_memory ? "no memory" : "source failed");
      break;
    case Step::kSinkFailed:
      wants(sink.peer->reset);
      machine.ended("sink failed");
      break;
    case Step::kMoved:
    case Step::kSourceDry:
    case Step::kSinkFull:
    case Step::kWaiting:
    case Step::kUnsupported:
    case Step::kLedgerBroken:
      machine.violation(std::string(stuck ? "stuck: " : "answers ") + name_of(last.step));
  }
  transfer.reset();
  source.held.release();
  if (!pools.idle()) machine.violation("a pipe or a block is left");
  if (machine.bytes_in_pipes() != 0) machine.violation("a pipe went back with bytes in it");
}

void play(Machine& machine) {
  {
    Pools pools(machine);
    const std::size_t bodies = 1 + machine.schedule.pick(2);
    for (std::size_t i = 0; i < bodies && machine.violated().empty(); ++i) play_one(machine, pools, i);
  }
  if (machine.open_descriptors() != 0) machine.violation("a descriptor is left");
}

}  // namespace

const Scenario& streams() {
  static const Scenario scenario{
      .name = "streams",
      .play = &play,
      .faults = {Fault::kShort, Fault::kInterrupted, Fault::kNotYet, Fault::kRefuseIn, Fault::kRefuseOut,
                 Fault::kZeroOut, Fault::kNoMemory, Fault::kNoDescriptor, Fault::kOnePage, Fault::kFewSlots,
                 Fault::kKeepsPipeSize, Fault::kSinkResets, Fault::kNoEvents},
      .endings = {"done", "truncated", "malformed", "too large", "source failed", "sink failed",
                  "no memory"}};
  return scenario;
}

}  // namespace sluice::faults
