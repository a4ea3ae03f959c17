#include "log/directory.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "log/watcher.h"
#include "os/input.h"
#include "os/process.h"
#include "os/wakeup.h"

namespace sluice::log {

namespace {

using Key = std::pair<std::string, std::int32_t>;
using Changes = std::map<Key, Change>;

// Between two looks: what is appended meanwhile is seen at once, however many writes it came by.
constexpr std::chrono::milliseconds kPace{1};

// The way of changes to one catalog. At most one for each partition waits, however long the loop is busy.
class Feed {
 public:
  explicit Feed(loop::EventLoop& loop) : loop_(loop) {}

  // Any thread.
  static void push(const std::shared_ptr<Feed>& feed, const std::vector<Change>& changes) {
    {
      const std::lock_guard lock(feed->mutex_);
      for (const Change& change : changes) {
        Change& waiting = feed->waiting_[{change.topic, change.index}];
        const bool anew = waiting.anew || change.anew;
        waiting = change;
        waiting.anew = anew;
      }
      if (std::exchange(feed->posted_, true)) return;
    }
    feed->loop_.post([feed] { feed->deliver(); });
  }

  // On the loop's thread, as what follows.
  void end() noexcept { catalog_.reset(); }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }

 private:
  void deliver() {
    Changes changes;
    {
      const std::lock_guard lock(mutex_);
      changes.swap(waiting_);
      posted_ = false;
    }
    for (const auto& [key, change] : changes) {
      if (!catalog_) return;  // whoever was told has ended it
      if (change.anew || change.view == nullptr) catalog_->remove(change.topic, change.index);
      if (catalog_ && change.view != nullptr) catalog_->update(change.view, change.topic_id);
    }
  }

  loop::EventLoop& loop_;
  std::optional<Catalog> catalog_{std::in_place};  // the loop's thread's
  std::mutex mutex_;
  Changes waiting_;      // guarded by mutex_
  bool posted_ = false;  // likewise
};

}  // namespace

struct Directory::Impl {
  Impl(std::string directory, DirectoryOptions with)
      : path(std::move(directory)), options(with), watcher(path, with.inotify), stop(os::open_wakeup()) {
    if (!stop.valid()) throw std::runtime_error(path + ": no descriptor left for an eventfd");
    publish(watcher.changes());
    thread = std::thread([this] { run(); });
  }
  ~Impl() {
    os::signal_wakeup(stop.get());
    thread.join();
  }

  void run();
  void look(os::Time& looked);
  void publish(const std::vector<Change>& changed);

  const std::string path;
  const DirectoryOptions options;
  Watcher watcher;  // the thread's, once it runs
  os::UniqueFd stop;
  std::atomic<std::uint64_t> partitions{0}, changes{0};
  std::mutex mutex;
  Changes current;                           // guarded by mutex
  std::vector<std::shared_ptr<Feed>> feeds;  // likewise
  std::thread thread;
};

void Directory::Impl::run() {
  os::block_signals_in_this_thread();  // they belong to the main thread's loop
  os::Time looked = os::now();         // at what isn't watched
  for (;;) {
    std::optional<std::chrono::milliseconds> longest;
    if (watcher.any_unwatched()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(looked + options.look_every - os::now());
      longest = std::clamp(left, std::chrono::milliseconds(0), options.look_every);
    }
    if (watcher.any_behind()) longest = std::chrono::milliseconds(0);
    if (os::wait_for_input(watcher.fd(), stop.get(), longest) == os::Input::kSignal) return;
    try {
      look(looked);
    } catch (const std::exception& error) {  // no memory: another time may do
      spdlog::error("{}: {}", path, error.what());
    }
    std::this_thread::sleep_for(kPace);
  }
}

void Directory::Impl::look(os::Time& looked) {
  if (watcher.fd() != -1) watcher.take_events();
  if (watcher.any_unwatched() && os::now() >= looked + options.look_every) {
    looked = os::now();
    watcher.look_at_unwatched();
    // Where there is very much to look at, no more than a tenth of the time goes into it.
    looked += 9 * (os::now() - looked);
  }
  watcher.catch_up();
  const std::vector<Change> changed = watcher.changes();
  if (!changed.empty()) publish(changed);
}

void Directory::Impl::publish(const std::vector<Change>& changed) {
  const std::lock_guard lock(mutex);
  for (const Change& change : changed) {
    const Key key{change.topic, change.index};
    if (change.view == nullptr) {
      current.erase(key);
    } else {
      current.insert_or_assign(key, change);
    }
  }
  partitions = current.size();
  changes += changed.size();
  for (const auto& feed : feeds) Feed::push(feed, changed);
}

Directory::Directory(std::string path, DirectoryOptions options)
    : impl_(std::make_unique<Impl>(std::move(path), options)) {}

Directory::~Directory() = default;

std::unique_ptr<Directory::Subscription> Directory::subscribe(loop::EventLoop& loop) {
  class Subscribed final : public Subscription {
   public:
    Subscribed(Impl& impl, loop::EventLoop& on) : impl_(impl), feed_(std::make_shared<Feed>(on)) {
      const std::lock_guard lock(impl_.mutex);
      for (const auto& [key, change] : impl_.current) feed_->catalog().update(change.view, change.topic_id);
      impl_.feeds.push_back(feed_);
    }
    ~Subscribed() override {
      {
        const std::lock_guard lock(impl_.mutex);
        std::erase(impl_.feeds, feed_);
      }
      feed_->end();
    }
    Catalog& catalog() noexcept override { return feed_->catalog(); }

   private:
    Impl& impl_;
    const std::shared_ptr<Feed> feed_;
  };
  return std::make_unique<Subscribed>(*impl_, loop);
}

const std::string& Directory::path() const noexcept { return impl_->path; }
const std::string& Directory::cluster_id() const noexcept { return impl_->watcher.cluster_id(); }
std::uint64_t Directory::partitions() const noexcept { return impl_->partitions; }
std::uint64_t Directory::changes() const noexcept { return impl_->changes; }

}  // namespace sluice::log
