// The counters of all workers as one list of names and numbers, in a fixed order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "observe/counters.h"

namespace sluice::observe {

using Sums = std::vector<std::pair<std::string, std::uint64_t>>;

// Names are snake_case: "accepted", "bodies_by_path_splice", "bodies_by_reason_large", "endings_client_gone".
// The relay, which stands beside this folder, names its strategies and reasons, and content/ its codings: by index, at most kStrategies,
// kReasons and kCodings of them; what has no name is left out. Any thread; each number is a recent one, not one
// instant's.
Sums sum(std::span<const Counters* const> workers, std::span<const char* const> strategies,
         std::span<const char* const> reasons, std::span<const char* const> codings);

}  // namespace sluice::observe
