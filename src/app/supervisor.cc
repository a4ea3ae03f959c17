#include "app/supervisor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "admin/status_page.h"
#include "app/access_log.h"
#include "config/parse.h"
#include "observe/log.h"
#include "os/kernel_paths.h"
#include "os/process.h"
#include "os/signals.h"
#include "tls/kernel_tls.h"

namespace sluice::app {

namespace {

constexpr unsigned kFileThreads = 4;   // waiting, not computing
constexpr unsigned kNameThreads = 32;  // each may hang on a name of its own
constexpr std::size_t kOffloadQueue = 65536;

bool asks_for_kernel_tls(const config::Config& config) {
  return std::any_of(config.listeners.begin(), config.listeners.end(), [](const config::Listener& listener) {
    return listener.tls && listener.tls->ktls == config::KernelTls::kAuto;
  });
}

}  // namespace

Supervisor::Supervisor(std::shared_ptr<const config::Config> config, std::string config_file)
    : config_(std::move(config)),
      config_file_(std::move(config_file)),
      store_([](const std::string& message) { spdlog::warn("{}", message); }, counters_),
      tls_(store_.load(*config_, nullptr)),
      log_(open_access_log(*config_)),
      files_(kFileThreads, kOffloadQueue),
      names_(kNameThreads, kOffloadQueue) {
  check_.work = [this] { check_certificates(); };
  rotation_.work = [this] { rotate_tickets(); };
}

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
  start_workers();
  plan_chores();
  loop_.on_signal(os::kHangUp, [this] { reload(); });
  loop_.on_signal(os::kReopen, [this] {
    if (log_ != nullptr) log_->reopen();
  });
  loop_.on_signal(os::kTerminate, [this] { end(); });
  loop_.on_signal(os::kInterrupt, [this] { end(); });
  for (const config::Listener& listener : config_->listeners) {
    spdlog::info("listening on {} ({})", listener.listen,
                 (listener.protocol == config::Protocol::kTcp ? "tcp to " + listener.upstream : "http") +
                     (listener.tls ? " over TLS" : ""));
  }
  if (asks_for_kernel_tls(*config_)) {
    const tls::KernelTlsAbility& ability = tls::kernel_tls();
    spdlog::info("kernel TLS: {}{}", ability.usable ? "" : "none, OpenSSL encrypts: ", ability.told);
  }
  if (const tls::KeyPair* pair = store_.self_signed(); pair != nullptr)
    spdlog::info("self-signed certificate, SHA-256 {}", tls::fingerprint(*pair->leaf));
  spdlog::info("{} workers, {} descriptors, kernel paths: {}", workers_.size(), descriptors,
               os::kernel_paths_name());
  loop_.run();
  for (const auto& worker : workers_) worker->join();
}

void Supervisor::start_workers() {
  const unsigned count = config_->workers != 0 ? config_->workers : os::usable_processors();
  const serve::StatusPage page = [this] {
    std::vector<const observe::Counters*> counters;
    for (const auto& worker : workers_) counters.push_back(&worker->counters());
    return admin::status_page(counters, counters_);
  };
  for (unsigned i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<serve::Worker>(files_, names_, log_, page));
  for (const auto& worker : workers_) worker->open(config_, tls_);
  if (!config_->user.empty()) {
    if (const std::string error = os::become(config_->user); !error.empty()) throw std::runtime_error(error);
  }
  for (const auto& worker : workers_) {
    worker->start([this] { loop_.post([this] { worker_ended(); }); });
    ++running_;
  }
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
    if (fresh->user != config_->user) spdlog::warn("reload: a change of user takes a restart");
    const auto tls = store_.load(*fresh, tls_);
    const auto log = same_place(fresh->access_log, config_->access_log) ? log_ : open_access_log(*fresh);
    if (const std::string error = apply(fresh, tls, log); !error.empty()) {
      spdlog::error("reload: {}; the old configuration stays", error);
      return;
    }
    config_ = fresh;
    tls_ = tls;
    log_ = log;
    plan_chores();
    observe::set_log_level(config_->log_level);
    spdlog::info("reloaded {}", config_file_);
  } catch (const std::exception& e) {
    spdlog::error("reload: the old configuration stays: {}", e.what());
  }
}

// A file that can't be taken is warned of by the store, which then gives what it had.
void Supervisor::check_certificates() {
  if (!draining_) {
    try {
      const auto fresh = store_.load(*config_, tls_);
      if (fresh != tls_) {
        if (const std::string error = apply(config_, fresh, log_); !error.empty())
          throw std::runtime_error(error);
        tls_ = fresh;
        spdlog::info("certificates: changed files are in use");
      }
      check_failed_.clear();
    } catch (const std::exception& e) {
      if (check_failed_ != e.what()) spdlog::error("certificates: those in use stay: {}", e.what());
      check_failed_ = e.what();  // told once, tried again and again
    }
  }
  loop_.deadlines().set(check_, loop_.now() + config_->certificate_check);
}

void Supervisor::rotate_tickets() {
  if (const auto next = store_.rotate(loop_.now())) loop_.deadlines().set(rotation_, *next);
}

// The configuration in use says what there is to do, and how often.
void Supervisor::plan_chores() {
  rotation_.cancel();
  rotate_tickets();
  check_.cancel();
  const bool files = !tls_->listeners.empty() || !tls_->upstreams.empty();
  if (files && config_->certificate_check.count() != 0)
    loop_.deadlines().set(check_, loop_.now() + config_->certificate_check);
}

// All workers or none: what one refuses is taken back from those before it.
std::string Supervisor::apply(const std::shared_ptr<const config::Config>& config,
                              const std::shared_ptr<const tls::Contexts>& tls,
                              const std::shared_ptr<observe::AccessLog>& log) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::string error = workers_[i]->take(config, tls, log).get();
    if (error.empty()) continue;
    for (std::size_t undone = 0; undone < i; ++undone)
      (void)workers_[undone]->take(config_, tls_, log_).get();
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
