#include "content/file_watches.h"

#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "os/file.h"

namespace sluice::content {

namespace {
// A truncation is IN_MODIFY, a lost name IN_ATTRIB: as long as we hold the file open, IN_DELETE_SELF never comes.
constexpr std::uint32_t kEvents = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF;
constexpr int kReads = 16;  // a turn; what is left is reported again
}  // namespace

WatchedFile::~WatchedFile() {
  owner_.files_.erase(watch_);
  owner_.inotify_.remove(watch_);
}

void WatchedFile::look() noexcept {
  const std::uint32_t events = std::exchange(events_, 0);
  if ((events & (IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) ++names_lost_;
  struct stat status;
  int error = 0;
  if (!os::file_status(file_->fd(), status, error)) return;
  size_ = static_cast<std::uint64_t>(status.st_size);
  if (status.st_nlink < links_) ++names_lost_;
  links_ = status.st_nlink;
}

void WatchedFile::tell() {
  look();
  List<Follower> told;
  told.take_all(followers_);
  while (Follower* follower = told.pop_front()) {
    followers_.push_back(*follower);
    follower->on_file();
  }
}

bool FileWatches::open(int& error) {
  if (inotify_.valid()) return true;
  inotify_ = os::Inotify::open(error);
  if (!inotify_.valid()) return false;
  try {
    readable_ = std::make_unique<loop::Watch>(loop, inotify_.fd(), [this] { on_events(); });
  } catch (const std::exception&) {
    inotify_ = {};
    error = ENOMEM;
  }
  return inotify_.valid();
}

std::shared_ptr<WatchedFile> FileWatches::watch(const std::shared_ptr<relay::File>& file, int& error) {
  if (!open(error)) {
    tell_refused(error);
    return nullptr;
  }
  const int watch = inotify_.add("/proc/self/fd/" + std::to_string(file->fd()), kEvents, error);
  if (watch == -1) {
    tell_refused(error);
    return nullptr;
  }
  std::weak_ptr<WatchedFile>& entry = files_[watch];
  std::shared_ptr<WatchedFile> watched = entry.lock();
  if (watched == nullptr) {
    watched = std::shared_ptr<WatchedFile>(new WatchedFile(*this, watch, file));
    entry = watched;
  }
  watched->look();  // behind add(): what comes after this is told
  return watched;
}

void FileWatches::on_events() {
  std::array<char, 16 * os::Inotify::kSmallestBuffer> buffer;
  Files changed;  // each once, however much happened to it; kept alive, for a follower may be the last
  for (int i = 0; i < kReads; ++i) {
    const os::IoResult got = inotify_.read(buffer);
    if (!got.ok() || got.bytes == 0) break;
    std::string_view events(buffer.data(), got.bytes);
    while (const auto event = os::next_event(events)) take(*event, changed);
  }
  for (const auto& file : changed) file->tell();
}

void FileWatches::take(const os::InotifyEvent& event, Files& changed) {
  const auto note = [&](const std::weak_ptr<WatchedFile>& entry) {
    auto file = entry.lock();
    if (file == nullptr) return;
    const bool first = file->events_ == 0;
    file->events_ |= event.mask;
    if (first) changed.push_back(std::move(file));
  };
  if ((event.mask & IN_Q_OVERFLOW) != 0) {  // whatever is watched may have changed
    for (const auto& [watch, entry] : files_) note(entry);
  } else if (const auto found = files_.find(event.watch); found != files_.end()) {
    note(found->second);
  }
}

void FileWatches::tell_refused(int error) {
  if (const auto held = refused_.pass(loop.now()))
    spdlog::warn(
        "a file can't be followed: {} (fs.inotify.max_user_instances, max_user_watches; {} times more "
        "since it was said last)",
        std::generic_category().message(error), *held);
}

}  // namespace sluice::content
