#include "os/process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace sluice::os {

void ignore_sigpipe() noexcept {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
}

void block_signals_in_this_thread() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

unsigned usable_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

std::string host_name() {
  std::array<char, 256> name{};  // HOST_NAME_MAX is 64
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

bool has_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

bool is_user(const std::string& name) {
  std::array<char, 16384> text;
  passwd entry{};
  passwd* found = nullptr;
  return ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found) == 0 && found != nullptr;
}

std::string become(const std::string& user) {
  const auto failed = [&](const char* what, int error) {
    return "can't run as " + user + ": " + what + ": " + std::generic_category().message(error);
  };
  std::array<char, 16384> text;
  passwd entry{};
  passwd* found = nullptr;
  if (const int error = ::getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found); error != 0)
    return failed("looking up the user", error);
  if (found == nullptr) return "can't run as " + user + ": there is no such user on this machine";
  const uid_t uid = found->pw_uid;
  const gid_t gid = found->pw_gid;
  if (::geteuid() == uid && ::getuid() == uid) return {};
  if (::geteuid() != 0) {
    return "can't run as " + user + ": only root can become another user, and this is user " +
           std::to_string(::geteuid());
  }
  // Groups first: who is no longer root can't change them.
  if (::initgroups(user.c_str(), gid) != 0) return failed("initgroups", errno);
  if (::setgid(gid) != 0) return failed("setgid", errno);
  if (::setuid(uid) != 0) return failed("setuid", errno);
  if (uid != 0 && ::setuid(0) == 0) return "can't run as " + user + ": the way back to root is still open";
  return {};
}

UniqueFd open_spare() noexcept { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace sluice::os
