// `sluice calibrate`: what each path costs on this machine, and from which size on the kernel's is the cheaper one.
//
// Rounds go over all sizes and paths in turn, so that a disturbance meets all of them; medians count.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

namespace sluice::app {

struct Calibrate {
  bool quick = false;       // a few rounds: seconds
  bool print_only = false;  // writes no file
  std::string file;         // "": where a configuration looks for it
};

// Blocks; main thread. The curves go to `out`, progress and mistakes to `err`. An exit code.
int calibrate(const Calibrate& wanted, std::ostream& out, std::ostream& err);

class CalibrateCommand {
 public:
  // Adds `calibrate` to `app`, which lives as long as this.
  explicit CalibrateCommand(CLI::App& app);
  // What to do after the line was parsed; it may outlive this. Empty: it was another command.
  [[nodiscard]] std::function<int()> chosen(std::ostream& out, std::ostream& err) const;

 private:
  Calibrate words_;
  CLI::App* command_;  // owned by `app`
};

}  // namespace sluice::app
