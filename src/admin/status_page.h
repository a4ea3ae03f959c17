// The counters of all workers, as the "status" handler answers them.
#pragma once

#include <span>
#include <string>

#include "observe/counters.h"
#include "relay/learner.h"

namespace sluice::admin {

// {"version": "...", "kernel_paths": "sendfile+splice", "workers": 2, "counters": {"accepted": 1, ...}}. Any
// thread. `process`: what no worker counts, but the main thread. Where thresholds are learnt, there is "learnt" besides: see
// learnt.h.
std::string status_page(std::span<const observe::Counters* const> workers, const observe::Counters& process,
                        std::span<const relay::Learners* const> learners = {});

}  // namespace sluice::admin
