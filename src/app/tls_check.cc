#include "app/tls_check.h"

#include <algorithm>

#include "config/rules.h"
#include "tls/error.h"
#include "tls/store.h"

namespace sluice::app {
namespace {

using config::Config;

// A store stops at the first mistake; people want them all. So each certificate is tried by itself, by a configuration
// that has nothing else.
class Trial {
 public:
  explicit Trial(config::Mistakes& mistakes) : mistakes_(mistakes) {}

  void certificates(const std::string& place, const config::Listener& listener) {
    config::Listener one = listener;
    one.tls->client_certificates = config::ClientCertificates::kOff;
    for (std::size_t i = 0; i < listener.tls->certificates.size(); ++i) {
      one.tls->certificates = {listener.tls->certificates[i]};
      load(config::place_at(place + ".certificates", i), "listener " + one.listen, {.listeners = {one}});
    }
  }

  // With a certificate made here, so that only the authorities can be wrong.
  void client_ca(const std::string& place, const config::Listener& listener) {
    if (listener.tls->client_certificates == config::ClientCertificates::kOff) return;
    config::Listener one = listener;
    one.tls->certificates.clear();
    one.tls->self_signed = true;
    load(place + ".client_ca", "listener " + one.listen, {.listeners = {one}});
  }

  void upstream(const std::string& name, const config::Upstream& upstream) {
    load("upstreams." + name + ".tls", "upstream " + name, {.upstreams = {{name, upstream}}});
  }

  [[nodiscard]] std::vector<std::string> warnings() && { return std::move(warnings_); }

 private:
  void load(const std::string& place, const std::string& whose, const Config& config) {
    observe::Counters counters;
    const auto warn = [this](const std::string& warning) {
      if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end())
        warnings_.push_back(warning);
    };
    try {
      (void)tls::Store(warn, counters).load(config, nullptr);
    } catch (const tls::TlsError& error) {
      std::string told = error.what();  // the place says whose it is
      if (told.starts_with(whose + ": ")) told.erase(0, whose.size() + 2);
      mistakes_.add(place, told);
    }
  }

  config::Mistakes& mistakes_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> check_tls(const Config& config, config::Mistakes& mistakes) {
  Trial trial(mistakes);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const config::Listener& listener = config.listeners[i];
    if (!listener.tls) continue;
    const std::string place = config::place_at("listeners", i) + ".tls";
    trial.certificates(place, listener);
    trial.client_ca(place, listener);
  }
  for (const auto& [name, upstream] : config.upstreams) {
    if (upstream.tls) trial.upstream(name, upstream);
  }
  return std::move(trial).warnings();
}

}  // namespace sluice::app
