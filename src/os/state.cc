#include "os/state.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace sluice::os {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_absolute(const std::string& path) { return path.starts_with('/'); }

// 0, or errno. It may be there already.
int make_with_parents(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return 0;
  const std::size_t slash = path.find_last_of('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) return errno;
  if (const int error = make_with_parents(path.substr(0, slash)); error != 0) return error;
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

// 0, or errno.
int id_of(const std::string& user, uid_t& uid, gid_t& gid) {
  std::array<char, 16384> text;
  passwd entry{};
  passwd* found = nullptr;
  if (const int error = ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found); error != 0)
    return error;
  if (found == nullptr) return ENOENT;
  uid = found->pw_uid;
  gid = found->pw_gid;
  return 0;
}

}  // namespace

StateHints StateHints::of_this_process() {
  return {.state_directory = environment("STATE_DIRECTORY"),
          .xdg_state_home = environment("XDG_STATE_HOME"),
          .home = environment("HOME"),
          .root = is_root()};
}

std::string state_directory(const StateHints& hints) {
  const std::string given = hints.state_directory.substr(0, hints.state_directory.find(':'));
  if (is_absolute(given)) return given;
  if (hints.root) return "/var/lib/sluice";
  if (is_absolute(hints.xdg_state_home)) return hints.xdg_state_home + "/sluice";
  if (is_absolute(hints.home)) return hints.home + "/.local/state/sluice";
  return "";
}

bool is_root() noexcept { return ::geteuid() == 0; }

int own_directory(const std::string& path, const std::string& owner) {
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  if (const int error = owner.empty() ? 0 : id_of(owner, uid, gid); error != 0) return error;
  if (const int error = make_with_parents(path); error != 0) return error;
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return errno;
  if (!S_ISDIR(now.st_mode)) return ENOTDIR;
  if (now.st_uid == uid) return 0;
  // What root just made, or a service manager made for it, is handed on; what others have stays theirs.
  if (now.st_uid != 0) return EACCES;
  return ::chown(path.c_str(), uid, gid) == 0 ? 0 : errno;
}

}  // namespace sluice::os
