// Runs schedules of faults: sluice_faults SCENARIO [--runs N] [--seed S] [--replay PICKS]
//
// Each run of a scenario follows one schedule, which its seed makes: S, S + 1, ... A broken promise ends the run
// with the seed, a shortened schedule, and what happened in it. A run in which some fault never struck, or some
// ending was never reached, fails as well: it would have tried less than it says.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "scenario.h"

namespace sluice::faults {
namespace {

// For the handler of a crash: which schedule it was.
const char* running = "";
volatile std::uint64_t running_seed = 0;

extern "C" void tell_seed(int signal) {
  char text[160];
  const int n = std::snprintf(text, sizeof text, "\ncrashed in scenario %s with --seed %llu --runs 1\n",
                              running, static_cast<unsigned long long>(running_seed));
  if (n > 0) (void)!::write(STDERR_FILENO, text, static_cast<std::size_t>(n));
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

struct Result {
  std::string violation;  // empty: all promises kept
  Picks picks;
};

Result run(const Scenario& scenario, Schedule schedule, Tally& tally, bool loud) {
  Machine machine(schedule, tally, loud);
  scenario.play(machine);
  return {machine.violated(), schedule.picks()};
}

int report(const Scenario& scenario, const Result& failed, const char* origin) {
  std::printf("%s: %s\n  %s\n", scenario.name, failed.violation.c_str(), origin);
  Tally unused;
  const auto fails = [&](const Picks& picks) {
    return run(scenario, Schedule(picks), unused, false).violation == failed.violation;
  };
  const Picks least = shrink(failed.picks, fails, 20000);
  std::printf("  shortened from %zu to %zu picks: --replay %s\n\n", failed.picks.size(), least.size(),
              least.empty() ? "0" : to_text(least).c_str());
  (void)run(scenario, Schedule(least), unused, true);
  return 1;
}

// A run of many has tried all it claims to try.
bool tried_all(const Scenario& scenario, const Tally& tally) {
  bool all = true;
  for (const Fault fault : scenario.faults) {
    if (tally.faults[static_cast<std::size_t>(fault)] != 0) continue;
    std::printf("  never struck: %s\n", name_of(fault));
    all = false;
  }
  for (const std::string_view ending : scenario.endings) {
    if (tally.endings.contains(ending)) continue;
    std::printf("  never reached: %.*s\n", static_cast<int>(ending.size()), ending.data());
    all = false;
  }
  return all;
}

int run_many(const Scenario& scenario, std::uint64_t seed, std::uint64_t runs) {
  Tally tally;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < runs; ++i) {
    running_seed = seed + i;
    const Result result = run(scenario, Schedule(seed + i), tally, false);
    if (result.violation.empty()) continue;
    char origin[64];
    std::snprintf(origin, sizeof origin, "--seed %llu --runs 1", static_cast<unsigned long long>(seed + i));
    return report(scenario, result, origin);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %llu schedules from seed %llu in %.1f s\n", scenario.name,
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed), seconds);
  for (std::size_t i = 0; i < tally.faults.size(); ++i) {
    if (tally.faults[i] == 0) continue;
    std::printf("  %12llu  %s\n", static_cast<unsigned long long>(tally.faults[i]),
                name_of(static_cast<Fault>(i)));
  }
  for (const auto& [ending, times] : tally.endings) {
    std::printf("  %12llu  ended: %s\n", static_cast<unsigned long long>(times), ending.c_str());
  }
  return runs < 10'000 || tried_all(scenario, tally) ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: sluice_faults SCENARIO [--runs N] [--seed S] | SCENARIO --replay PICKS\nscenarios:");
  for (const auto* scenario : {&streams(), &bodies(), &tunnels(), &library(), &exchanges()}) {
    std::fprintf(stderr, " %s", scenario->name);
  }
  std::fprintf(stderr, "\n");
  return 2;
}

int main(int argc, char** argv) {
  std::uint64_t seed = 1, runs = 100'000;
  const char* replay = nullptr;
  const Scenario* chosen = nullptr;
  for (const auto* scenario : {&streams(), &bodies(), &tunnels(), &library(), &exchanges()}) {
    if (argc > 1 && std::strcmp(argv[1], scenario->name) == 0) chosen = scenario;
  }
  if (chosen == nullptr || argc % 2 != 0) return usage();
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--runs") == 0) {
      runs = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (std::strcmp(argv[i], "--replay") == 0) {
      replay = argv[i + 1];
    } else {
      return usage();
    }
  }
  spdlog::set_level(spdlog::level::off);  // what Sluice says of a million faults is not for reading
  running = chosen->name;
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) ::signal(signal, tell_seed);
  if (replay == nullptr) return run_many(*chosen, seed, runs);
  Tally tally;
  const Result result = run(*chosen, Schedule(picks_from(replay)), tally, true);
  return result.violation.empty() ? 0 : 1;
}

}  // namespace
}  // namespace sluice::faults

int main(int argc, char** argv) {
  try {
    return sluice::faults::main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "sluice_faults: %s\n", e.what());
    return 2;
  }
}
