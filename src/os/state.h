// A directory for what has to survive the process.
#pragma once

#include <string>

namespace sluice::os {

// What decides where state goes.
// Source   systemd.exec(5), STATE_DIRECTORY; the XDG Base Directory Specification, XDG_STATE_HOME.
struct StateHints {
  std::string state_directory;  // $STATE_DIRECTORY: made by systemd, several separated by colons
  std::string xdg_state_home;   // $XDG_STATE_HOME
  std::string home;             // $HOME
  bool root = false;

  static StateHints of_this_process();
};

// The directory of our state; "" when nothing says where it could be.
std::string state_directory(const StateHints& hints);

// Whether this process may do anything. geteuid(2).
bool is_root() noexcept;

// Makes `path` for one user alone (mode 0700, its missing parents too), or takes one that is that user's already. The
// user is `owner`, or, when that is empty, who runs this process. 0, or errno: EACCES where it is somebody else's.
// Blocks; for the start of the process.
int own_directory(const std::string& path, const std::string& owner);

}  // namespace sluice::os
