// What the learners of all workers know, for the status page: "thresholds": "auto".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "relay/learner.h"

namespace sluice::admin {

// {"socket": {"thresholds": [8192, 4096], "bodies": 12, "costs": {"8192": {"copied": {"bodies": 7, "ns": 5100},
// "splice": {...}}}}, "file": {...}}: a threshold for each worker, bodies measured, and by classes of sizes ("8192": from
// 8 KiB to below 16 KiB) what one typically cost, the workers' medians weighed by their bodies. A kind that nobody uses is
// left out, and so is what was not measured. Any thread.
nlohmann::ordered_json learnt(std::span<const relay::Learners* const> workers);

}  // namespace sluice::admin
