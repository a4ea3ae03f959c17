// sluice: see cli.h for the words, supervisor.h for the process.
#include <spdlog/spdlog.h>

#include <exception>

#include "app/cli.h"
#include "app/supervisor.h"
#include "observe/log.h"

int main(int argc, char** argv) {
  using namespace sluice;
  const app::Command command = app::parse_command_line(argc, argv);
  if (command.kind == app::Command::Kind::kWork) return command.work();
  if (command.kind != app::Command::Kind::kRun) return command.exit_code;
  observe::start_log(command.config->log_level);
  try {
    app::Supervisor(command.config, command.config_file).run();
  } catch (const std::exception& e) {
    spdlog::critical("{}", e.what());
    return app::kExitRuntime;
  }
  return app::kExitOk;
}
