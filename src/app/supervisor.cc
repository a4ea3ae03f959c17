#include "app/supervisor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "admin/status_page.h"
#include "app/access_log.h"
#include "app/services.h"
#include "config/parse.h"
#include "config/thresholds.h"
#include "observe/log.h"
#include "os/kernel_paths.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/state.h"
#include "tls/kernel_tls.h"

namespace sluice::app {

namespace {

constexpr unsigned kFileThreads = 4;   // waiting, not computing
constexpr unsigned kNameThreads = 32;  // each may hang on a name of its own
constexpr std::size_t kOffloadQueue = 65536;
constexpr std::chrono::milliseconds kCountEvery{200};

std::string told(const config::Listener& listener) {
  switch (listener.protocol) {
    case config::Protocol::kHttp:
      return "http";
    case config::Protocol::kTcp:
      return "tcp to " + listener.upstream;
    case config::Protocol::kKafka:
      return "kafka, from " + listener.kafka->log;
  }
  return {};
}

void tell_of_thresholds(const config::Config& config) {
  if (const std::string told = config::measured_elsewhere(config); !told.empty()) spdlog::warn("{}", told);
}

// A reload reads it as `user`, which so far could not enter the directory.
void hand_over_thresholds(const config::Config& config) {
  if (!config.thresholds_file.empty() || !config::uses_measured(config)) return;
  const std::string directory = os::state_directory(os::StateHints::of_this_process());
  if (const int error = os::own_directory(directory, config.user); error != 0)
    spdlog::warn("{}: {}: a reload may not be able to read the thresholds", directory,
                 std::generic_category().message(error));
}

bool asks_for_kernel_tls(const config::Config& config) {
  return std::any_of(config.listeners.begin(), config.listeners.end(), [](const config::Listener& listener) {
    return listener.tls && listener.tls->ktls == config::KernelTls::kAuto;
  });
}

}  // namespace

Supervisor::Supervisor(std::shared_ptr<const config::Config> config, std::string config_file)
    : config_file_(std::move(config_file)),
      store_([](const std::string& message) { spdlog::warn("{}", message); }, counters_),
      now_{.config = config,
           .tls = store_.load(*config, nullptr),
           .services = open_services(*config, nullptr),
           .log = open_access_log(*config)},
      files_(kFileThreads, kOffloadQueue),
      names_(kNameThreads, kOffloadQueue) {
  check_.work = [this] { check_certificates(); };
  rotation_.work = [this] { rotate_tickets(); };
  count_.work = [this] { count_services(); };
}

// First those that use pools and coordinators, then these, and only then the loops that they report to.
Supervisor::~Supervisor() {
  for (const auto& worker : workers_) {
    worker->stop();
    worker->join();
  }
  files_.stop();
  names_.stop();
  for (const auto& [key, coordinator] : now_.services->groups) coordinator->stop();
}

void Supervisor::run() {
  os::ignore_sigpipe();
  const std::size_t descriptors = os::raise_descriptor_limit();
  start_workers();
  plan_chores();
  loop_.on_signal(os::kHangUp, [this] { reload(); });
  loop_.on_signal(os::kReopen, [this] {
    if (now_.log != nullptr) now_.log->reopen();
  });
  loop_.on_signal(os::kTerminate, [this] { end(); });
  loop_.on_signal(os::kInterrupt, [this] { end(); });
  for (const config::Listener& listener : now_.config->listeners) {
    spdlog::info("listening on {} ({})", listener.listen, told(listener) + (listener.tls ? " over TLS" : ""));
  }
  tell_of_thresholds(*now_.config);
  if (asks_for_kernel_tls(*now_.config)) {
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
  const unsigned count = now_.config->workers != 0 ? now_.config->workers : os::usable_processors();
  const serve::StatusPage page = [this] {
    std::vector<const observe::Counters*> counters;
    std::vector<const relay::Learners*> learners;
    for (const auto& worker : workers_) {
      counters.push_back(&worker->counters());
      learners.push_back(&worker->learners());
    }
    return admin::status_page(counters, counters_, learners);
  };
  for (unsigned i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<serve::Worker>(files_, names_, page));
  for (const auto& worker : workers_) worker->open(now_);
  if (!now_.config->user.empty()) {
    hand_over_thresholds(*now_.config);
    if (const std::string error = os::become(now_.config->user); !error.empty())
      throw std::runtime_error(error);
  }
  for (const auto& worker : workers_) {
    worker->start([this] { loop_.post([this] { worker_ended(); }); });
    ++running_;
  }
}

void Supervisor::reload() {
  if (now_.log != nullptr) now_.log->reopen();
  if (config_file_.empty()) {
    spdlog::info("reload: started from the command line, there is no file to read again");
    return;
  }
  if (draining_) return;
  try {
    const auto fresh = std::make_shared<const config::Config>(config::load(config_file_));
    if (fresh->workers != now_.config->workers || !(fresh->limits == now_.config->limits)) {
      spdlog::warn("reload: a change of workers or limits (head, relay_buffer, pipe, pipes) takes a restart");
    }
    if (fresh->user != now_.config->user) spdlog::warn("reload: a change of user takes a restart");
    const serve::Snapshot next{
        .config = fresh,
        .tls = store_.load(*fresh, now_.tls),
        .services = open_services(*fresh, now_.services.get()),
        .log = goes_on(now_.config->access_log, fresh->access_log) ? now_.log : open_access_log(*fresh)};
    if (const std::string error = apply(next); !error.empty()) {
      spdlog::error("reload: {}; the old configuration stays", error);
      return;
    }
    now_ = next;
    plan_chores();
    observe::set_log_level(now_.config->log_level);
    tell_of_thresholds(*now_.config);
    spdlog::info("reloaded {}", config_file_);
  } catch (const std::exception& e) {
    spdlog::error("reload: the old configuration stays: {}", e.what());
  }
}

// A file that can't be taken is warned of by the store, which then gives what it had.
void Supervisor::check_certificates() {
  if (!draining_) {
    try {
      serve::Snapshot next = now_;
      next.tls = store_.load(*now_.config, now_.tls);
      if (next.tls != now_.tls) {
        if (const std::string error = apply(next); !error.empty()) throw std::runtime_error(error);
        now_ = next;
        spdlog::info("certificates: changed files are in use");
      }
      check_failed_.clear();
    } catch (const std::exception& e) {
      if (check_failed_ != e.what()) spdlog::error("certificates: those in use stay: {}", e.what());
      check_failed_ = e.what();  // told once, tried again and again
    }
  }
  loop_.deadlines().set(check_, loop_.now() + now_.config->certificate_check);
}

void Supervisor::rotate_tickets() {
  if (const auto next = store_.rotate(loop_.now())) loop_.deadlines().set(rotation_, *next);
}

// The configuration in use says what there is to do, and how often.
void Supervisor::plan_chores() {
  rotation_.cancel();
  rotate_tickets();
  check_.cancel();
  const bool files = !now_.tls->listeners.empty() || !now_.tls->upstreams.empty();
  if (files && now_.config->certificate_check.count() != 0)
    loop_.deadlines().set(check_, loop_.now() + now_.config->certificate_check);
  count_.cancel();
  if (!now_.services->logs.empty()) count_services();
}

// All workers or none: what one refuses is taken back from those before it.
std::string Supervisor::apply(const serve::Snapshot& fresh) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::string error = workers_[i]->take(fresh).get();
    if (error.empty()) continue;
    for (std::size_t undone = 0; undone < i; ++undone) (void)workers_[undone]->take(now_).get();
    return error;
  }
  return {};
}

// For the status page: logs and groups belong to no worker.
void Supervisor::count_services() {
  std::uint64_t partitions = 0, changes = 0, groups = 0, members = 0, generations = 0;
  for (const auto& [path, directory] : now_.services->logs) {
    partitions += directory->partitions();
    changes += directory->changes();
  }
  for (const auto& [key, coordinator] : now_.services->groups) {
    groups += coordinator->group_count();
    members += coordinator->member_count();
    generations += coordinator->rebalances();
  }
  counters_.log_partitions.set(partitions);
  counters_.log_changes.set(changes);
  counters_.groups.set(groups);
  counters_.group_members.set(members);
  counters_.group_generations.set(generations);
  loop_.deadlines().set(count_, loop_.now() + kCountEvery);
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
    spdlog::info("draining for at most {} ms; a second signal ends at once",
                 now_.config->timeouts.drain.count());
  draining_ = true;
}

void Supervisor::worker_ended() {
  if (--running_ == 0) loop_.stop();
}

}  // namespace sluice::app
