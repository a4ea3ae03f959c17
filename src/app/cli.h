// The command line: words -> what to do. Starts nothing.
#pragma once

#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "config/config.h"

namespace sluice::app {

enum ExitCode : int {
  kExitOk = 0,
  kExitRuntime = 1,  // started, or tried to, and failed: an address in use, no descriptors, a lost log
  kExitUsage = 2,    // a wrong command line or configuration; nothing was started
};

struct Command {
  enum class Kind {
    kRun,      // start with `config`
    kCheck,    // the file is valid; its summary has been printed
    kVersion,  // has been printed
    kWork,     // `work` does it all, on the main thread
    kExit,     // help, or an error; has been printed
  };
  Kind kind = Kind::kExit;
  std::shared_ptr<const config::Config> config;  // kRun and kCheck
  std::string config_file;              // "" for the quick commands: a reload then has nothing to read again
  int exit_code = kExitOk;              // for all kinds but kRun and kWork
  std::function<int()> work = nullptr;  // kWork: the exit code
};

// Prints help, versions and summaries to `out`, mistakes to `err`. Throws nothing but std::bad_alloc.
Command parse_command_line(int argc, const char* const* argv, std::ostream& out = std::cout,
                           std::ostream& err = std::cerr);

}  // namespace sluice::app
