// The open-file cache of one worker: path below a root -> an open file with its validators.
//
// A replaced file is noticed when its entry is older than `revalidate`: the name is looked up again and
// compared by device, inode, size and modification time. Look-ups that would wait for a disk go to the
// offload threads.
// Bounded   `capacity` entries; the least recently used goes first. Responses under way keep their own file.
// Lifetime  outlives the tickets of its look-ups.
// Thread    the worker's.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "loop/event_loop.h"
#include "loop/offload.h"
#include "relay/file.h"

namespace sluice::content {

struct OpenFile {
  std::shared_ptr<relay::File> file;
  std::string etag;               // strong, with quotes: from modification time (ns) and size
  std::time_t modified = 0;       // seconds since the epoch
  std::string last_modified;      // as an HTTP date
  std::string_view content_type;  // static storage
};

enum class Found : std::uint8_t { kFile, kDirectory, kMissing, kForbidden, kFailed, kPending };

struct FindResult {
  Found found = Found::kMissing;
  std::shared_ptr<const OpenFile> file;  // kFile
  int error = 0;                         // errno; kFailed
};

class OpenFiles {
 public:
  // `ask_here` false: every look-up goes off the loop, as it does by itself on kernels before 5.12.
  OpenFiles(loop::EventLoop& loop, loop::Offload& offload, std::size_t capacity, bool ask_here = true);
  ~OpenFiles();

  // `root`: an open directory that outlives the call's consequences (shared). `path`: relative, without
  // leading slash, normalised.
  // kPending: the look-up went off the loop and `ready` is called later, unless `ticket` is dropped; then
  // call find() again, at once: the outcome waits for a second. kFailed with EAGAIN: too many wait already.
  FindResult find(const std::shared_ptr<os::UniqueFd>& root, std::string_view path,
                  std::chrono::milliseconds revalidate, loop::Ticket& ticket, std::function<void()> ready);

  // Closes what is kept of a root that nobody serves any more.
  void forget(const os::UniqueFd& root) noexcept;

  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::content
