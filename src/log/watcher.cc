#include "log/watcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/bytes.h"
#include "log/checkpoints.h"
#include "log/names.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/file_system.h"
#include "os/list_directory.h"

namespace sluice::log {

namespace {

constexpr const char* kLogStarts = "log-start-offset-checkpoint";
constexpr const char* kCleanShutdown = ".kafka_cleanshutdown";
constexpr std::uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;
constexpr std::uint32_t kRootMask = kNames | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kPartitionMask = kRootMask | IN_MODIFY | IN_ATTRIB;

// Under a flood the queue may never be empty: what was told so far is looked at after so many reads.
constexpr int kMostReads = 64;

// Some milliseconds: who waits for an append waits no longer.
constexpr std::size_t kCatchUp = 10'000;

bool is_directory(const std::string& path, std::uint64_t& inode) {
  struct stat status {};
  int error = 0;
  if (!os::status_of(path, status, error) || !S_ISDIR(status.st_mode)) return false;
  inode = status.st_ino;
  return true;
}

}  // namespace

Watcher::Watcher(std::string path, bool inotify) : path_(std::move(path)) {
  int error = 0;
  if (inotify) {
    inotify_ = os::Inotify::open(error);
    if (!inotify_.valid()) tell_of_limit(error);
  }
  watch_root();  // before anything is read: what changes meanwhile is told
  if (const auto text = read_text(path_ + "/meta.properties")) cluster_id_ = property(*text, "cluster.id");
  read_log_starts();
  struct stat status {};
  list_root(os::status_of(path_ + '/' + kCleanShutdown, status, error));
  look_at_due();
}

void Watcher::watch_root() {
  if (!inotify_.valid() || os::is_shared_file_system(path_)) return;
  int error = 0;
  root_watch_ = inotify_.add(path_, kRootMask, error);
  if (root_watch_ == -1 && error == ENOSPC) tell_of_limit(error);
}

void Watcher::tell_of_limit(int error) {
  if (std::exchange(limit_told_, true)) return;
  spdlog::warn(
      "{}: changes can't be watched ({}); what isn't watched is looked at now and then. "
      "See fs.inotify.max_user_watches and max_user_instances",
      path_, std::strerror(error));
}

// Partitions that came or went. Throws when it can't be read.
void Watcher::list_root(bool clean) {
  std::vector<std::string> names;
  if (const int error = os::list_directory(path_, names); error != 0) {
    throw std::runtime_error(path_ + ": " + std::strerror(error));
  }
  std::unordered_set<std::string_view> here(names.begin(), names.end());
  std::vector<std::string> gone;
  for (const auto& [name, entry] : entries_) {
    if (!here.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) reconsider(name, true);
  for (const std::string& name : names) reconsider(name, false, clean);
}

bool Watcher::relist_root() {
  try {
    list_root(false);
  } catch (const std::runtime_error& error) {
    if (complaints_.pass(os::now())) spdlog::error("{}", error.what());
    return false;
  }
  read_log_starts();
  return true;
}

void Watcher::read_log_starts() {
  auto now = parse_offsets(read_text(path_ + '/' + kLogStarts).value_or(""));
  std::swap(now, log_starts_);
  for (const auto& [name, offset] : log_starts_) {
    const auto before = now.find(name);
    if (before != now.end() && before->second == offset) continue;
    const auto entry = entries_.find(name);
    if (entry != entries_.end() && entry->second->scan.set_log_start(offset)) note(*entry->second);
  }
}

void Watcher::take_events() {
  std::array<char, 64_KiB> buffer;
  for (int reads = 0; reads != kMostReads; ++reads) {
    const os::IoResult result = inotify_.read(buffer);
    if (!result.ok() || result.bytes == 0) break;
    std::string_view events(buffer.data(), result.bytes);
    while (const auto event = os::next_event(events)) on_event(*event);
  }
  look_at_due();
}

void Watcher::on_event(const os::InotifyEvent& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    for (auto& [name, entry] : entries_) set_due(*entry, Due::kAll);
    (void)relist_root();
    return;
  }
  if (event.watch == root_watch_) return on_root_event(event);
  const auto [first, last] = by_watch_.equal_range(event.watch);
  if (first == last) return;
  if (std::next(first) == last) return on_partition_event(*first->second, event);
  std::vector<std::string> names;  // an entry may go while it is told
  for (auto at = first; at != last; ++at) names.push_back(at->second->name);
  for (const std::string& name : names) {
    if (const auto entry = entries_.find(name); entry != entries_.end())
      on_partition_event(*entry->second, event);
  }
}

void Watcher::on_root_event(const os::InotifyEvent& event) {
  if ((event.mask & kGone) != 0) {
    // Another directory may stand there soon, or a file system be mounted: the name counts, not the inode.
    inotify_.remove(std::exchange(root_watch_, -1));
  } else if (event.name == kLogStarts) {
    read_log_starts();
  } else if ((event.mask & kNames) != 0) {
    reconsider(std::string(event.name), (event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0);
  }
}

void Watcher::on_partition_event(Entry& entry, const os::InotifyEvent& event) {
  if ((event.mask & kGone) != 0) {
    unwatch(entry);
    return reconsider(std::string(entry.name), true);
  }
  const auto file = log_file_named(event.name);
  const bool is_log = file && file->kind == FileKind::kLog;
  if (is_log && (event.mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0) {
    const PartitionViewPtr& view = entry.scan.view();
    const bool last = view != nullptr && view->segments.back().base_offset == file->offset;
    set_due(entry, last ? Due::kGrowth : Due::kAll);
  } else if (is_log || event.name.empty() || event.name == "partition.metadata" ||
             event.name.ends_with(".log.swap")) {
    set_due(entry, Due::kAll);
  }
}

// What `name` means now. `went`: it did not mean that all the time.
void Watcher::reconsider(const std::string& name, bool went, bool clean) {
  if (!partition_named(name)) return;
  const auto known = entries_.find(name);
  std::uint64_t inode = 0;
  const bool here = is_directory(path_ + '/' + name, inode);
  if (known != entries_.end()) {
    if (here && !went && known->second->inode == inode) return set_due(*known->second, Due::kAll);
    drop(*known->second);
  }
  if (here) add(name, inode, clean);
}

void Watcher::add(const std::string& name, std::uint64_t inode, bool clean) {
  auto made = std::make_unique<Entry>(PartitionScan(path_ + '/' + name, *partition_named(name), clean));
  Entry& entry = *made;
  entry.name = name;
  entry.inode = inode;
  if (const auto start = log_starts_.find(name); start != log_starts_.end())
    entry.scan.set_log_start(start->second);
  entries_[name] = std::move(made);
  watch(entry);
  set_due(entry, Due::kAll);
}

void Watcher::drop(Entry& entry) {
  unwatch(entry);
  unwatched_.erase(&entry);
  behind_.erase(&entry);
  std::erase(due_, &entry);
  Change& change = changes_[entry.name];
  change = {.topic = entry.scan.topic(), .index = entry.scan.index(), .view = nullptr, .anew = true};
  entries_.erase(entry.name);
}

void Watcher::watch(Entry& entry) {
  int error = 0;
  if (root_watch_ != -1 && !os::is_shared_file_system(entry.scan.path())) {
    entry.watch = inotify_.add(entry.scan.path(), kPartitionMask, error);
  }
  if (entry.watch == -1) {
    if (error == ENOSPC) tell_of_limit(error);
    unwatched_.insert(&entry);
    return;
  }
  by_watch_.emplace(entry.watch, &entry);
}

void Watcher::unwatch(Entry& entry) {
  const int watch = std::exchange(entry.watch, -1);
  if (watch == -1) return;
  std::erase_if(by_watch_, [&](const auto& each) { return each.second == &entry; });
  if (!by_watch_.contains(watch)) inotify_.remove(watch);
}

void Watcher::set_due(Entry& entry, Due due) {
  if (entry.due == Due::kNothing) due_.push_back(&entry);
  entry.due = std::max(entry.due, due);
}

void Watcher::look_at_due() {
  for (Entry* entry : std::exchange(due_, {})) look(*entry);
}

void Watcher::look(Entry& entry) {
  const Due due = std::exchange(entry.due, Due::kNothing);
  take(entry, due == Due::kGrowth ? entry.scan.look_for_growth() : entry.scan.look());
}

void Watcher::take(Entry& entry, const Looked& look) {
  if (entry.scan.behind() && look.error == 0) {
    behind_.insert(&entry);
  } else {
    behind_.erase(&entry);
  }
  if (look.changed) note(entry);
  if (look.error != 0 || entry.watch == -1) {
    unwatched_.insert(&entry);
  } else {
    unwatched_.erase(&entry);
  }
  if (look.error == 0 || look.error == ENOENT) return;
  if (const auto held = complaints_.pass(os::now())) {
    spdlog::error("{}: can't be read: {}{}", entry.scan.path(), std::strerror(look.error),
                  *held == 0 ? "" : " (and others)");
  }
}

void Watcher::catch_up() {
  if (behind_.empty()) return;
  Entry& entry = **behind_.begin();
  take(entry, entry.scan.catch_up(kCatchUp));
}

void Watcher::note(const Entry& entry) {
  Change& change = changes_[entry.name];
  change = {.topic = entry.scan.topic(),
            .index = entry.scan.index(),
            .view = entry.scan.view(),
            .topic_id = entry.scan.topic_id(),
            .anew = change.anew};
}

void Watcher::look_at_unwatched() {
  if (root_watch_ == -1) {
    watch_root();
    if (!relist_root()) return;  // what can't be read says nothing of what is in it
  }
  for (Entry* entry : std::vector<Entry*>(unwatched_.begin(), unwatched_.end())) {
    if (entry->watch == -1) watch(*entry);
    set_due(*entry, Due::kAll);
  }
  look_at_due();
}

std::vector<Change> Watcher::changes() {
  std::vector<Change> out;
  out.reserve(changes_.size());
  for (auto& [name, change] : changes_) out.push_back(std::move(change));
  changes_.clear();
  return out;
}

}  // namespace sluice::log
