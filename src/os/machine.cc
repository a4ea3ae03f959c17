#include "os/machine.h"

#include <sys/utsname.h>

#include <fstream>

namespace sluice::os {

Machine this_machine() {
  Machine machine;
  utsname names{};
  if (::uname(&names) == 0) machine = {.kernel = names.release, .processor = names.machine};
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; std::getline(processors, line);) {
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    machine.processor = line.substr(colon + 2);
    break;
  }
  return machine;
}

}  // namespace sluice::os
