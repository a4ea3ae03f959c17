// A log directory as it is now: scanned once, then watched by a thread of its own, never written to.
//
//   <path>/<topic>-<partition>/00000000000000000000.log, .index, .timeindex, .txnindex; partition.metadata
//
// New topics, segments, appends, truncations and deletions are noticed by inotify(7); where watches can't be had (too
// many, a file system that tells nothing) the affected directories are looked at every `look_every`.
// Lifetime  outlives its subscriptions' loops' last turn: unsubscribe (destroy the Subscription) on the loop's thread first.
// Thread    any, but for what is said below.
// Errors    the constructor throws std::runtime_error when the directory can't be read. A partition that can't be read
//           is told of in the error log, and is left out or served up to where it can be.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "log/catalog.h"
#include "loop/event_loop.h"

namespace sluice::log {

struct DirectoryOptions {
  std::chrono::milliseconds look_every{1000};
  bool inotify = true;  // false: for tests of the fallback
};

class Directory {
 public:
  explicit Directory(std::string path, DirectoryOptions options = {});
  ~Directory();

  // A catalog that is kept up to date on `loop`. The calling thread is the loop's, or the loop does not run yet.
  class Subscription {
   public:
    // On the loop's thread and not by an Interest that is told; or when the loop has ended.
    virtual ~Subscription() = default;
    [[nodiscard]] virtual Catalog& catalog() noexcept = 0;
  };
  std::unique_ptr<Subscription> subscribe(loop::EventLoop& loop);

  [[nodiscard]] const std::string& path() const noexcept;
  // From meta.properties; empty where there is none.
  [[nodiscard]] const std::string& cluster_id() const noexcept;
  [[nodiscard]] std::uint64_t partitions() const noexcept;  // now
  [[nodiscard]] std::uint64_t changes() const noexcept;     // views made, in all

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::log
