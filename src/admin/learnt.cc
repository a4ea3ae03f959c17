#include "admin/learnt.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::admin {
namespace {

using nlohmann::ordered_json;
using relay::Learner;

// The costs of one class and path over all workers; null: none was measured.
ordered_json cost_of(const std::vector<Learner::Figures>& workers, std::size_t index,
                     Learner::Cost Learner::Figures::Class::*path, std::uint64_t& all) {
  std::uint64_t bodies = 0;
  double nanoseconds = 0;
  for (const Learner::Figures& figures : workers) {
    const Learner::Cost& cost = figures.classes[index].*path;
    bodies += cost.bodies;
    nanoseconds += static_cast<double>(cost.bodies) * cost.median_ns;
  }
  all += bodies;
  if (bodies == 0) return {};
  return {{"bodies", bodies}, {"ns", static_cast<std::uint64_t>(nanoseconds / static_cast<double>(bodies))}};
}

ordered_json kind(std::span<const relay::Learners* const> workers, Learner relay::Learners::*which,
                  const char* by_kernel) {
  std::vector<Learner::Figures> figures;
  for (const relay::Learners* worker : workers)
    if ((worker->*which).in_use()) figures.push_back((worker->*which).figures());
  if (figures.empty()) return {};
  ordered_json thresholds = ordered_json::array(), costs = ordered_json::object();
  std::uint64_t bodies = 0;
  for (const Learner::Figures& each : figures) thresholds.push_back(each.threshold);
  for (std::size_t i = 0; i < Learner::kClasses; ++i) {
    ordered_json one = ordered_json::object();
    const auto put = [&](const char* name, Learner::Cost Learner::Figures::Class::*path) {
      if (ordered_json cost = cost_of(figures, i, path, bodies); !cost.is_null()) one[name] = std::move(cost);
    };
    put("copied", &Learner::Figures::Class::copied);
    put(by_kernel, &Learner::Figures::Class::by_kernel);
    if (!one.empty()) costs[std::to_string(Learner::kLeast << i)] = std::move(one);
  }
  return {{"thresholds", std::move(thresholds)}, {"bodies", bodies}, {"costs", std::move(costs)}};
}

}  // namespace

ordered_json learnt(std::span<const relay::Learners* const> workers) {
  ordered_json out = ordered_json::object();
  if (ordered_json sockets = kind(workers, &relay::Learners::sockets, "splice"); !sockets.is_null())
    out["socket"] = std::move(sockets);
  if (ordered_json files = kind(workers, &relay::Learners::files, "sendfile"); !files.is_null())
    out["file"] = std::move(files);
  return out;
}

}  // namespace sluice::admin
