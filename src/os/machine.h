// What costs depend on: the kernel and the processor.
#pragma once

#include <string>

namespace sluice::os {

struct Machine {
  std::string kernel;  // "6.1.0-18-amd64"
  std::string
      processor;  // "AMD EPYC 7763 64-Core Processor"; where the kernel has no name for it, its architecture
};

// Source   uname(2); /proc/cpuinfo.
Machine this_machine();

}  // namespace sluice::os
