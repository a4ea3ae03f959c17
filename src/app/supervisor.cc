#include "app/supervisor.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "admin/status_page.h"
#include "config/parse.h"
#include "observe/log.h"
#include "os/kernel_paths.h"
#include "os/process.h"
#include "os/signals.h"

namespace sluice::app {

namespace {

constexpr unsigned kFileThreads = 4;  // waiting, not computing
constexpr unsigned kNameThreads = 32;  // each may hang on a name of its own
constexpr std::size_t kOffloadQueue = 65536;

std::shared_ptr<observe::AccessLog> open_log(const config::Config& config) {
  if (config.access_log.file.empty()) return nullptr;
  return std::make_shared<observe::AccessLog>(config.access_log.file, config.access_log.queue);
}

}  // namespace

Supervisor::Supervisor(std::shared_ptr<const config::Config> config, std::string config_file)
    : config_(std::move(config)),
      config_file_(std::move(config_file)),
      log_(open_log(*config_)),
      files_(kFileThreads, kOffloadQueue),
      names_(kNameThreads, kOffloadQueue) {}

// First those that use the pools, then the pools, and only then the loops that their jobs report to.
Supervisor::~Supervisor() {
  for (const auto& worker : workers_) {
    worker->stop();
    worker->join();
  }
  files_.stop();
  names_.stop();
}

void Supervisor::run() {
  os::ignore_sigpipe();
  const std::size_t descriptors = os::raise_descriptor_limit();
  const unsigned count = config_->workers != 0 ? config_->workers : os::usable_processors();
  const serve::StatusPage page = [this] {
    std::vector<const observe::Counters*> counters;
    for (const auto& worker : workers_) counters.push_back(&worker->counters());
    return admin::status_page(counters);
  };
  for (unsigned i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<serve::Worker>(files_, names_, log_, page));
  }
  for (const auto& worker : workers_) {
    worker->start(config_, [this] { loop_.post([this] { worker_ended(); }); });
    ++running_;
  }
  loop_.on_signal(os::kHangUp, [this] { reload(); });
  loop_.on_signal(os::kReopen, [this] {
    if (log_ != nullptr) log_->reopen();
  });
  loop_.on_signal(os::kTerminate, [this] { end(); });
  loop_.on_signal(os::kInterrupt, [this] { end(); });
  for (const config::Listener& listener : config_->listeners) {
    spdlog::info("listening on {} ({})", listener.listen,
                 listener.protocol == config::Protocol::kTcp ? "tcp to " + listener.upstream : "http");
  }
  spdlog::info("{} workers, {} descriptors, kernel paths: {}", count, descriptors, os::kernel_paths_name());
  loop_.run();
  for (const auto& worker : workers_) worker->join();
}

void Supervisor::reload() {
  if (log_ != nullptr) log_->reopen();
  if (config_file_.empty()) {
    spdlog::info("reload: started from the command line, there is no file to read again");
    return;
  }
  if (draining_) return;
  try {
    const auto fresh = std::make_shared<const config::Config>(config::load(config_file_));
    if (fresh->workers != config_->workers || !(fresh->limits == config_->limits)) {
      spdlog::warn("reload: a change of workers or limits (head, relay_buffer, pipe, pipes) takes a restart");
    }
    const auto log = fresh->access_log.file == config_->access_log.file ? log_ : open_log(*fresh);
    if (const std::string error = apply(fresh, log); !error.empty()) {
      spdlog::error("reload: {}; the old configuration stays", error);
      return;
    }
    config_ = fresh;
    log_ = log;
    observe::set_log_level(config_->log_level);
    spdlog::info("reloaded {}", config_file_);
  } catch (const std::exception& e) {
    spdlog::error("reload: the old configuration stays: {}", e.what());
  }
}

// All workers or none: what one refuses is taken back from those before it.
std::string Supervisor::apply(const std::shared_ptr<const config::Config>& config,
                              const std::shared_ptr<observe::AccessLog>& log) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::string error = workers_[i]->take(config, log).get();
    if (error.empty()) continue;
    for (std::size_t undone = 0; undone < i; ++undone) (void)workers_[undone]->take(config_, log_).get();
    return error;
  }
  return {};
}

void Supervisor::end() {
  for (const auto& worker : workers_) {
    if (draining_) {
      worker->stop();
    } else {
      worker->drain();
    }
  }
  if (!draining_)
    spdlog::info("draining for at most {} ms; a second signal ends at once", config_->timeouts.drain.count());
  draining_ = true;
}

void Supervisor::worker_ended() {
  if (--running_ == 0) loop_.stop();
}

}  // namespace sluice::app
