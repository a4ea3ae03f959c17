// The `sluice log ...` commands: their words, and the work they stand for.
//
// They need no configuration and no loop: each does its work on the main thread and ends.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>

namespace CLI {
class App;
}

namespace sluice::app {

class LogCommands {
 public:
  // Adds `log` and the commands below it to `app`, which lives as long as this.
  explicit LogCommands(CLI::App& app);
  ~LogCommands();

  // What to do after the line was parsed; it may outlive this. Its result is an exit code, its mistakes go to `err`. Empty:
  // it was another command.
  [[nodiscard]] std::function<int()> chosen(std::ostream& out, std::ostream& err) const;

 private:
  struct Words;
  std::unique_ptr<Words> words_;
  CLI::App *log_, *append_, *list_, *dump_, *verify_, *trim_;  // owned by `app`
};

}  // namespace sluice::app
