#include "scenario.h"

#include <random>

namespace sluice::faults {

namespace {
constexpr relay::Sizes kSizes{.head = 1024, .relay = 4096, .pipe = 65536, .pipes = 4};

relay::Sizes sizes(Machine& machine) {
  relay::Sizes sizes = kSizes;
  if (machine.schedule.pick(16) == 15) sizes.pipes = 0;
  return sizes;
}
}  // namespace

Pools::Pools(Machine& machine) : relay(loop, offload, sizes(machine)) {}

Side::Side(Machine& machine, Pools& pools) {
  auto [fd, made] = machine.connection();
  peer = std::move(made);
  attached = socket.attach(pools.loop, os::UniqueFd(fd));
}

std::string_view pattern(std::size_t size, std::size_t which) {
  static const std::string bytes = [] {
    std::mt19937 random(7);
    std::string out(1 << 18, '\0');
    for (char& c : out) c = static_cast<char>('!' + random() % 90);
    return out;
  }();
  return std::string_view(bytes).substr(which % 64 * 997, size);
}

std::size_t body_size(Machine& machine) {
  switch (machine.schedule.pick(8)) {
    case 0:
    case 1:
    case 2:
      return machine.schedule.pick(100);
    case 3:
    case 4:
    case 5:
      return machine.schedule.pick(2000);
    case 6:
      return machine.schedule.pick(6000);
    default:
      return machine.schedule.pick(20000);
  }
}

relay::Policy policy(Machine& machine) {
  constexpr relay::Force kForces[] = {relay::Force::kNothing, relay::Force::kSplice, relay::Force::kBuffered,
                                      relay::Force::kSendfile, relay::Force::kMmap};
  constexpr std::uint64_t kLeast[] = {8192, 1, 64, 1500};
  static relay::Learner learner;  // what it learns changes no schedule
  const std::uint32_t force = machine.schedule.pick(8);
  const std::uint32_t turn = machine.schedule.pick(4);
  return {.force = kForces[force < 5 ? force : 0],
          .splice_min = kLeast[machine.schedule.pick(4)],
          .sendfile_min = kLeast[machine.schedule.pick(4)],
          .learner = turn < 2 ? &learner : nullptr,
          .contrary = turn == 0};
}

bool starts_with(std::string_view whole, std::string_view part) { return whole.starts_with(part); }

const char* name_of(Step step) noexcept {
  switch (step) {
    case Step::kMoved:
      return "moved";
    case Step::kSourceDry:
      return "source dry";
    case Step::kSinkFull:
      return "sink full";
    case Step::kWaiting:
      return "waiting";
    case Step::kDone:
      return "done";
    case Step::kTruncated:
      return "truncated";
    case Step::kMalformed:
      return "malformed";
    case Step::kTooLarge:
      return "too large";
    case Step::kUnsupported:
      return "unsupported";
    case Step::kSourceFailed:
      return "source failed";
    case Step::kSinkFailed:
      return "sink failed";
    case Step::kLedgerBroken:
      return "ledger broken";
  }
  return "?";
}

void Watchdog::play_peers() {
  Schedule& schedule = machine_.schedule;
  for (Connection* c : all_) {
    if (c->script.size() > c->arrived || !c->all_arrived()) {
      if (schedule.pick(4) != 3) machine_.arrive(*c, schedule.part(c->script.size() - c->arrived));
    }
    if (c->pushed > c->acked && schedule.pick(4) != 3)
      machine_.drain(*c, schedule.part(c->pushed - c->acked));
  }
  if (schedule.pick(2) == 0) machine_.run_one_job();
}

std::size_t Watchdog::traffic() const noexcept {
  std::size_t sum = 0;
  for (const Connection* c : all_) {
    sum += c->arrived + c->taken + c->sent.size() + c->acked + (c->fin ? 1 : 0) + (c->reset ? 1 : 0);
  }
  return sum;
}

bool Watchdog::peers_are_done() const noexcept {
  for (const Connection* c : all_) {
    if (!c->reset && (!c->all_arrived() || c->pushed > c->acked)) return false;
  }
  return true;
}

void Watchdog::before_step() noexcept {
  calls_ = machine_.calls();
  traffic_ = traffic();
}

void Watchdog::after_step() {
  const std::uint64_t calls = machine_.calls() - calls_;
  // Each byte may cost its own call on either side; what does not depend on bytes is bounded.
  if (calls > 64 + 8 * (traffic() - traffic_))
    machine_.violation("spins: calls that move nothing, within a step");
}

bool Watchdog::goes_on(std::size_t bytes, bool at_once) {
  const std::size_t now = traffic();
  const bool moved = now != last_traffic_ || bytes != 0;
  last_traffic_ = now;
  spins_ = at_once && !moved ? spins_ + 1 : 0;
  if (spins_ > 16) machine_.violation("spins: steps that ask to be called again and move nothing");
  const bool over = !moved && !at_once && machine_.quiet() && peers_are_done();
  idle_ = over ? idle_ + 1 : 0;
  return idle_ < patience_ && machine_.violated().empty();
}

}  // namespace sluice::faults
