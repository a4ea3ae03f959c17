// Files that somebody follows, in one worker: one inotify descriptor for all, and for each file one watch and one open
// descriptor, however many follow it. Nothing is made before the first one asks.
//
// A file is its inode: it is watched through the descriptor it was opened with, so that no name is looked up twice.
// Lifetime  outlives what it gave out.
// Thread    the loop's.
// Source    inotify(7), proc_pid_fd(5).
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/list.h"
#include "loop/offload.h"
#include "loop/watch.h"
#include "observe/log.h"
#include "os/inotify.h"
#include "relay/file.h"

namespace sluice::content {

class FileWatches;

class WatchedFile {
 public:
  class Follower : public ListLink {
   public:
    virtual void on_file() = 0;  // ask what is new; destroys nothing

   protected:
    ~Follower() = default;
  };

  ~WatchedFile();

  [[nodiscard]] const std::shared_ptr<relay::File>& file() const noexcept { return file_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // bytes, when the kernel told last
  [[nodiscard]] bool has_name() const noexcept { return links_ != 0; }
  // How often it was renamed, or lost a name (deleted, or another file took the name).
  [[nodiscard]] unsigned names_lost() const noexcept { return names_lost_; }
  void add(Follower& follower) noexcept { followers_.push_back(follower); }

 private:
  friend class FileWatches;
  WatchedFile(FileWatches& owner, int watch, std::shared_ptr<relay::File> file) noexcept
      : owner_(owner), watch_(watch), file_(std::move(file)) {}
  void look() noexcept;
  void tell();

  FileWatches& owner_;
  const int watch_;
  const std::shared_ptr<relay::File> file_;
  std::uint64_t size_ = 0, links_ = 0;
  unsigned names_lost_ = 0;
  std::uint32_t events_ = 0;  // not looked at yet
  List<Follower> followers_;
};

class FileWatches {
 public:
  FileWatches(loop::EventLoop& the_loop, loop::Offload& the_offload) noexcept
      : loop(the_loop), offload(the_offload) {}

  // Null with errno in `error` when the kernel watches no more (ENOSPC, EMFILE: fs.inotify.*): told in the error log.
  std::shared_ptr<WatchedFile> watch(const std::shared_ptr<relay::File>& file, int& error);

  [[nodiscard]] std::size_t size() const noexcept { return files_.size(); }

  loop::EventLoop& loop;  // for those who follow
  loop::Offload& offload;

 private:
  friend class WatchedFile;
  bool open(int& error);
  void on_events();
  using Files = std::vector<std::shared_ptr<WatchedFile>>;
  void take(const os::InotifyEvent& event, Files& changed);
  void tell_refused(int error);

  os::Inotify inotify_;
  std::unique_ptr<loop::Watch> readable_;
  std::unordered_map<int, std::weak_ptr<WatchedFile>> files_;  // by watch
  observe::Throttle refused_{std::chrono::seconds(10)};
};

}  // namespace sluice::content
