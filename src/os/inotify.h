// What happens to files and in directories, told by the kernel: one descriptor that is readable while its queue holds
// events, for any number of watches.
//
//   read() until would_block(); after each one: while (auto event = next_event(text)) ...
//
// A queue that was not emptied in time (fs.inotify.max_queued_events) loses events and ends in one with IN_Q_OVERFLOW
// and watch -1: whatever is watched may have changed, so look at all of it. Identical events that follow each other are
// one. An event is told after the change can be seen.
// Watches    are of inodes, not of names: two paths to one inode share one number, and add() then replaces the mask (or
//            widens it, with IN_MASK_ADD). One ends by remove(), or by itself when the inode is gone or its file system
//            is unmounted: both end in an event with IN_IGNORED, and numbers are not used again.
// Silent     changes by mmap(2), on network file systems by other machines, and in /proc and /sys are never told.
// Thread     read() one at a time; add() and remove() any.
// Source     inotify(7).
#pragma once

#include <sys/inotify.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "os/io_result.h"
#include "os/unique_fd.h"

namespace sluice::os {

class Inotify {
 public:
  // The least that read() wants: one event with the longest name there can be.
  static constexpr std::size_t kSmallestBuffer = sizeof(inotify_event) + 255 + 1;

  Inotify() noexcept = default;
  // Not valid(): errno in `error` (EMFILE: fs.inotify.max_user_instances, or out of descriptors).
  static Inotify open(int& error) noexcept;

  [[nodiscard]] bool valid() const noexcept { return fd_.valid(); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }  // non-blocking; for loop::Watch

  // Watches what `path` names now, links followed (IN_DONT_FOLLOW: not). `mask`: IN_MODIFY, IN_CREATE, ... The watch's
  // number; -1 with errno in `error` (ENOSPC: fs.inotify.max_user_watches; ENOENT, EACCES: no such file, or not for us).
  int add(const std::string& path, std::uint32_t mask, int& error) noexcept;
  void remove(int watch) noexcept;  // one that has ended by itself may be removed, too

  // Whole events, as many as there are and fit. EAGAIN: none; EINVAL: the buffer is too small for the next one.
  IoResult read(std::span<char> into) noexcept;

 private:
  UniqueFd fd_;
};

struct InotifyEvent {
  int watch = -1;
  std::uint32_t mask = 0;    // why: IN_...; IN_ISDIR with the name of a directory
  std::uint32_t cookie = 0;  // the same in the IN_MOVED_FROM and IN_MOVED_TO of one rename(2)
  std::string_view name;     // inside a watched directory; else empty. In what read() filled
};

// The first of `events`, which it is taken from; nothing when none is left.
std::optional<InotifyEvent> next_event(std::string_view& events) noexcept;

}  // namespace sluice::os
