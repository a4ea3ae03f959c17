// What the operator says about paths, as one body takes it along; see config::Relay.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "relay/choose.h"

namespace sluice::relay {

class Learner;

struct Policy {
  Force force = Force::kNothing;
  std::uint64_t splice_min = 8_KiB;
  std::uint64_t sendfile_min = 8_KiB;
  // What this body costs is told there, and it may go against the threshold. Null for nearly all bodies.
  Learner* learner = nullptr;
  bool contrary = false;
};

}  // namespace sluice::relay
