// What the process asks of the kernel once, at start.
#pragma once

#include <cstddef>
#include <string>

#include "os/unique_fd.h"

namespace sluice::os {

// splice and sendfile have no MSG_NOSIGNAL, so SIGPIPE is ignored for the whole process.
void ignore_sigpipe() noexcept;

// Signals that the main thread's loop handles; blocked in every worker thread before it starts.
void block_signals_in_this_thread() noexcept;

// Raises the soft descriptor limit to the hard one and returns it.
std::size_t raise_descriptor_limit() noexcept;

// How many processors this process may run on (its affinity mask, not the machine's count).
unsigned usable_processors() noexcept;

// What the machine calls itself; empty when it doesn't tell.
std::string host_name();

// Standard error goes to a person. isatty(3).
bool has_terminal() noexcept;

// Whether the machine knows a user of that name. getpwnam(3).
bool is_user(const std::string& name);

// Goes on as `user`, with its groups, in all threads and for good. Empty: done, or it was this user already; else why
// not, for people. Nothing has changed then, or the process must end: half a change is told, too. Needs root.
// Source   initgroups(3), setgid(2), setuid(2); glibc's change all threads (nptl(7)).
std::string become(const std::string& user);

// A descriptor that is worth nothing: held so that, out of descriptors, it can be given up for a moment to
// accept and turn away a client that would otherwise wait for ever. See serve/listener.h.
UniqueFd open_spare() noexcept;

}  // namespace sluice::os
