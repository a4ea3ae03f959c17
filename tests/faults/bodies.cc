// BodyTransfer: memory and file ranges to a socket, warm and cold, and files that change under it.
#include <optional>

#include "relay/body_transfer.h"
#include "scenario.h"

namespace sluice::faults {

namespace {

void play_in(Machine& machine, Pools& pools) {
  Schedule& schedule = machine.schedule;
  Side sink(machine, pools);
  if (!sink.attached) return machine.ended("no event");

  relay::Body body;
  std::string expected;
  const std::size_t pieces = 1 + schedule.pick(4);
  for (std::size_t i = 0; i < pieces; ++i) {
    // Now and then a range lies across a window of pages, or begins far inside a file.
    const std::size_t lead =
        schedule.pick(8) == 7 ? 32 * 1024 * (1 + schedule.pick(3)) - schedule.pick(3000) : 0;
    const std::string_view bytes = pattern(lead + 1 + body_size(machine), i);
    if (lead == 0 && schedule.pick(2) == 1) {
      body.emplace_back(std::string(bytes));
      expected += bytes;
      continue;
    }
    const std::size_t offset = lead + schedule.pick(static_cast<std::uint32_t>(bytes.size() - lead));
    const std::size_t length = 1 + schedule.pick(static_cast<std::uint32_t>(bytes.size() - offset));
    auto file = std::make_shared<relay::File>(os::UniqueFd(machine.file(std::string(bytes))), bytes.size());
    body.emplace_back(relay::FileRange{.file = std::move(file), .offset = offset, .length = length});
    expected += bytes.substr(offset, length);
  }
  sink.peer->room = std::max(sink.peer->room, expected.size() / 64 + 1);
  const std::string head =
      schedule.pick(2) == 0 ? "" : "HEAD " + std::string(schedule.pick(300), 'h') + "\r\n\r\n";
  constexpr std::size_t kBudgets[] = {1 << 20, 1000, 1, 5000};
  const std::size_t budget = std::max(kBudgets[schedule.pick(4)], expected.size() / 64);

  bool warmed = false;
  std::optional<relay::BodyTransfer> transfer;
  transfer.emplace(pools.relay, std::move(body), policy(machine), [&] { warmed = true; });
  Watchdog dog(machine, {sink.peer.get()});
  StepResult last{.step = Step::kMoved};
  bool first = true, stuck = false;
  for (;;) {
    dog.play_peers();
    if (machine.strikes(Fault::kSinkResets, 64)) machine.reset_by_peer(*sink.peer);
    if (schedule.pick(32) == 31) break;  // the owner gives up, perhaps while a thread reads for it
    pools.loop.run();
    if (last.step == Step::kWaiting && !warmed) {
      if (machine.quiet()) machine.violation("waits for pages that nobody fetches");
      if (!machine.violated().empty()) return;
      continue;
    }
    warmed = false;
    dog.before_step();
    last = transfer->step(sink.socket, budget, std::exchange(first, false) ? head : std::string_view());
    dog.after_step();
    machine.say("step: %s, %zu\n", name_of(last.step), last.bytes);
    if (last.bytes > budget + 4096) machine.violation("a step moves more than its budget and a block");
    if (last.step != Step::kMoved && last.step != Step::kSinkFull && last.step != Step::kWaiting) break;
    if (!dog.goes_on(last.bytes, last.step == Step::kMoved)) {
      stuck = last.step != Step::kWaiting;
      if (stuck) break;
    }
  }
  if (!machine.violated().empty()) return;

  const std::string_view out = sink.peer->sent;
  const std::string whole = head + expected;
  if (!starts_with(whole, out)) machine.violation("bytes out are not bytes in");
  if (out.size() > head.size() && transfer->delivered() != out.size() - head.size()) {
    machine.violation("delivered() is not what was delivered");
  }
  const auto wants = [&](bool allowed) {
    if (!allowed) machine.violation(std::string("ended without a cause: ") + name_of(last.step));
  };
  if (stuck) machine.violation(std::string("stuck: ") + name_of(last.step));
  switch (last.step) {
    case Step::kDone:
      if (out != whole) machine.violation("done, but not all was delivered");
      if (sink.peer->pushed != out.size()) machine.violation("done, with a tail held back");
      machine.ended("done");
      break;
    case Step::kTruncated:
      wants(machine.struck(Fault::kFileShrinks));
      machine.ended("truncated");
      break;
    case Step::kSourceFailed:
      wants(machine.struck(Fault::kFileFails) || machine.struck(Fault::kQueueFull));
      machine.ended("source failed");
      break;
    case Step::kSinkFailed:
      wants(sink.peer->reset);
      machine.ended("sink failed");
      break;
    case Step::kMoved:
    case Step::kSinkFull:
    case Step::kWaiting:
      machine.ended("given up");
      break;
    case Step::kSourceDry:
    case Step::kMalformed:
    case Step::kTooLarge:
    case Step::kUnsupported:
    case Step::kLedgerBroken:
      machine.violation(std::string("answers ") + name_of(last.step));
  }
  transfer.reset();
  while (machine.run_one_job()) pools.loop.run();  // whose owner is gone
  if (!pools.idle()) machine.violation("a pipe or a block is left");
}

void play(Machine& machine) {
  {
    Pools pools(machine);
    play_in(machine, pools);
  }
  if (machine.violated().empty() && machine.open_descriptors() != 0)
    machine.violation("a descriptor is left");
  if (machine.violated().empty() && machine.mappings() != 0) machine.violation("a mapping is left");
}

}  // namespace

const Scenario& bodies() {
  static const Scenario scenario{
      .name = "bodies",
      .play = &play,
      .faults = {Fault::kShort, Fault::kInterrupted, Fault::kNotYet, Fault::kRefuseFile, Fault::kSinkResets,
                 Fault::kFileShrinks, Fault::kFileFails, Fault::kCold, Fault::kCannotTell, Fault::kQueueFull,
                 Fault::kNoEvents},
      .endings = {"done", "truncated", "source failed", "sink failed", "given up"}};
  return scenario;
}

}  // namespace sluice::faults
