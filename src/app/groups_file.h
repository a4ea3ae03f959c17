// Where the consumer groups of a log are kept when the configuration does not say.
//
// Never in the log's own directory: that is served as it is, and only read.
// Source   systemd.exec(5), STATE_DIRECTORY; the XDG Base Directory Specification, XDG_STATE_HOME.
#pragma once

#include <string>

namespace sluice::app {

// What decides where state goes.
struct StateHints {
  std::string state_directory;  // $STATE_DIRECTORY: made by systemd, several separated by colons
  std::string xdg_state_home;   // $XDG_STATE_HOME
  std::string home;             // $HOME
  bool root = false;

  static StateHints of_this_process();
};

// The directory of our state; "" when nothing says where it could be.
std::string state_directory(const StateHints& hints);

// A file for the groups of `log`'s consumers, the same one at each start, in a directory that is made for `user` ("": who
// runs this process). "": there is none to be had, which is told in the error log; the groups then live in memory.
// Call it before the process becomes `user`.
std::string groups_file(const std::string& log, const std::string& user,
                        const StateHints& hints = StateHints::of_this_process());

}  // namespace sluice::app
