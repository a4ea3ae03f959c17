#include "admin/status_page.h"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "admin/learnt.h"
#include "content/negotiate.h"
#include "observe/sum.h"
#include "os/kernel_paths.h"
#include "relay/choose.h"

namespace sluice::admin {

namespace {

template <typename Enum, std::size_t N>
std::array<const char*, N> names_of() {
  std::array<const char*, N> names;
  for (std::size_t i = 0; i < N; ++i) names[i] = relay::name_of(static_cast<Enum>(i));
  return names;
}

constexpr std::size_t kReasonsKnown = static_cast<std::size_t>(relay::Reason::kLearning) + 1;
static_assert(kReasonsKnown <= observe::kReasons);
static_assert(static_cast<std::size_t>(relay::Strategy::kMmap) + 1 == observe::kStrategies);

std::array<const char*, observe::kCodings> coding_names() {
  std::array<const char*, observe::kCodings> names;
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = content::name_of(static_cast<config::Coding>(i)).data();
  return names;
}
static_assert(static_cast<std::size_t>(config::Coding::kGzip) + 1 == observe::kCodings);

}  // namespace

std::string status_page(std::span<const observe::Counters* const> workers, const observe::Counters& process,
                        std::span<const relay::Learners* const> learners) {
  std::vector<const observe::Counters*> all(workers.begin(), workers.end());
  all.push_back(&process);
  static const auto strategies = names_of<relay::Strategy, observe::kStrategies>();
  static const auto reasons = names_of<relay::Reason, kReasonsKnown>();
  nlohmann::ordered_json counters = nlohmann::ordered_json::object();
  static const auto codings = coding_names();
  for (const auto& [name, value] : observe::sum(all, strategies, reasons, codings)) counters[name] = value;
  nlohmann::ordered_json page = {{"version", SLUICE_VERSION},
                                 {"kernel_paths", os::kernel_paths_name()},
                                 {"workers", workers.size()},
                                 {"counters", std::move(counters)}};
  if (nlohmann::ordered_json known = learnt(learners); !known.empty()) page["learnt"] = std::move(known);
  return page.dump(1) + "\n";
}

}  // namespace sluice::admin
