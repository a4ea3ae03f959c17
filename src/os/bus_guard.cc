#include "os/bus_guard.h"

#include <csetjmp>
#include <csignal>

namespace sluice::os {

namespace {

thread_local sigjmp_buf* innermost = nullptr;  // of the guards that are open in this thread
struct sigaction before;                       // what was done with the signal before

void on_bus_error(int signal, siginfo_t* info, void*) {
  const bool by_memory = info->si_code > 0;  // not sent by somebody
  if (by_memory && innermost != nullptr) siglongjmp(*innermost, 1);
  // Nobody's: what was done with it before is done now. The read is tried again and fails again.
  ::sigaction(signal, &before, nullptr);
  if (!by_memory) ::raise(signal);
}

bool install() noexcept {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  // The handler is left by a jump that restores no mask, so the signal must not be blocked in it.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  return ::sigaction(SIGBUS, &action, &before) == 0;
}

}  // namespace

bool guarded_call(void (*fn)(void*), void* argument) noexcept {
  [[maybe_unused]] static const bool installed = install();
  sigjmp_buf here;
  sigjmp_buf* const outer = innermost;  // not changed behind sigsetjmp(): it keeps its value in a jump
  if (sigsetjmp(here, 0) != 0) {        // 0: the mask is not saved, which would be a system call
    innermost = outer;
    return false;
  }
  innermost = &here;
  fn(argument);
  innermost = outer;
  return true;
}

}  // namespace sluice::os
