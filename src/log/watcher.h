// A log directory and the partitions in it, watched: what changed is looked at, and only that.
//
// A watch stands on the directory and on each partition's. A partition that can't be watched or read is looked at again by
// look_at_unwatched(), which its owner calls now and then as long as there is one.
// Errors    the constructor throws std::runtime_error when the directory can't be read. What goes wrong later is told in the
//           error log, now and then; a partition that can't be read stays as it was.
// Thread    one; blocks: off the loop only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "log/partition_scan.h"
#include "observe/log.h"
#include "os/inotify.h"

namespace sluice::log {

struct Change {
  std::string topic;
  std::int32_t index = 0;
  PartitionViewPtr view;  // null: it is gone
  Uuid topic_id{};
  bool anew = false;  // the one of this name that was known before is gone
};

class Watcher {
 public:
  Watcher(std::string path, bool inotify);

  // Readable when take_events() has something to do; -1: never.
  [[nodiscard]] int fd() const noexcept { return inotify_.fd(); }
  void take_events();
  [[nodiscard]] bool any_unwatched() const noexcept { return root_watch_ == -1 || !unwatched_.empty(); }
  void look_at_unwatched();

  // Whether there are long logs whose open transactions are still to be found out; and going on with one of them.
  [[nodiscard]] bool any_behind() const noexcept { return !behind_.empty(); }
  void catch_up();

  // What has changed since the last call; the first time all there is. At most one for each partition.
  std::vector<Change> changes();

  [[nodiscard]] const std::string& cluster_id() const noexcept { return cluster_id_; }

 private:
  enum class Due : std::uint8_t { kNothing, kGrowth, kAll };
  struct Entry {
    explicit Entry(PartitionScan with) : scan(std::move(with)) {}
    PartitionScan scan;
    std::string name;         // of the directory
    std::uint64_t inode = 0;  // ... and which one it is
    int watch = -1;
    Due due = Due::kNothing;
  };

  void watch_root();
  void list_root(bool clean);
  bool relist_root();
  void read_log_starts();
  void on_event(const os::InotifyEvent& event);
  void on_root_event(const os::InotifyEvent& event);
  void on_partition_event(Entry& entry, const os::InotifyEvent& event);
  void reconsider(const std::string& name, bool went, bool clean = false);
  void add(const std::string& name, std::uint64_t inode, bool clean);
  void drop(Entry& entry);
  void watch(Entry& entry);
  void unwatch(Entry& entry);
  void set_due(Entry& entry, Due due);
  void look_at_due();
  void look(Entry& entry);
  void take(Entry& entry, const Looked& look);
  void note(const Entry& entry);
  void tell_of_limit(int error);

  const std::string path_;
  std::string cluster_id_;
  os::Inotify inotify_;
  int root_watch_ = -1;
  bool limit_told_ = false;
  observe::Throttle complaints_{std::chrono::seconds(10)};
  std::map<std::string, std::int64_t, std::less<>> log_starts_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;  // by name
  std::unordered_multimap<int, Entry*> by_watch_;                       // two names can lead to one directory
  std::unordered_set<Entry*> unwatched_;                                // ... or unreadable
  std::unordered_set<Entry*> behind_;
  std::vector<Entry*> due_;
  std::map<std::string, Change, std::less<>> changes_;  // by name of the directory
};

}  // namespace sluice::log
