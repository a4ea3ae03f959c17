// Locks that processes hold on files, to be the only one that writes something.
//
// They end with the process, however it ends; the file stays.
// Source   flock(2); fcntl(2), "Advisory record locking"
#pragma once

#include <string>

#include "os/file.h"

namespace sluice::os {

// Takes the lock on `path`, a file that is made when missing. It is held as long as the descriptor.
// error EWOULDBLOCK: somebody else holds it.
FileOr lock_file(const std::string& path) noexcept;

// The same on a directory that exists, but waits for whoever holds it: for moments, like making something in it.
FileOr lock_directory(const std::string& path) noexcept;

// Whether another process holds the other kind of lock on `path`, fcntl(2)'s, which Java programs take. False, too, for
// a file that is not there or that we may not open.
bool is_record_locked(const std::string& path) noexcept;

}  // namespace sluice::os
