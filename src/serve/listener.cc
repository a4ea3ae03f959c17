#include "serve/listener.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "os/process.h"
#include "os/socket.h"

namespace sluice::serve {

namespace {
constexpr int kBacklog = 4096;        // the kernel caps it at net.core.somaxconn
constexpr int kAcceptsPerEvent = 64;  // then others get their turn
}  // namespace

Listener::Listener(WorkerState& state, const std::string& address, OnClient on_client)
    : state_(state), name_(address), on_client_(std::move(on_client)), spare_(os::open_spare()) {
  const auto parsed = os::Address::parse(address);
  if (!parsed) throw std::runtime_error("can't listen on " + address + ": not an address");
  os::SocketOr made = os::listen_tcp(*parsed, kBacklog);
  if (!made.fd.valid())
    throw std::runtime_error("can't listen on " + address + ": " +
                             std::generic_category().message(made.error));
  fd_ = std::move(made.fd);
  watch_.emplace(state.loop, fd_.get(), [this] { accept_waiting(kAcceptsPerEvent); });
}

void Listener::accept_waiting(int most) {
  for (int i = 0; i < most; ++i) {
    os::Address peer;
    os::SocketOr client = os::accept_tcp(fd_.get(), peer);
    if (client.fd.valid()) {
      const std::size_t limit = state_.site->config().limits.clients;
      if (limit != 0 && state_.session_count >= limit) {
        state_.counters.turned_away.add();
        continue;  // closes it
      }
      state_.counters.accepted.add();
      on_client_(std::move(client.fd), peer);
      continue;
    }
    switch (client.error) {
      case EAGAIN:
        return;
      case ECONNABORTED:  // it left while it was waiting
      case EPROTO:
        continue;
      case EMFILE:
      case ENFILE:
        state_.counters.accept_failed.add();
        if (!turn_one_away()) return;
        continue;
      default:  // ENOBUFS, ENOMEM: the event comes again
        state_.counters.accept_failed.add();
        return;
    }
  }
}

bool Listener::turn_one_away() {
  static std::atomic<bool> said{false};
  if (!said.exchange(true)) spdlog::error("out of descriptors: clients are turned away (said once)");
  spare_.reset();
  os::Address peer;
  const bool taken = os::accept_tcp(fd_.get(), peer).fd.valid();  // and closed at once
  if (taken) state_.counters.turned_away.add();
  spare_ = os::open_spare();
  return taken;
}

void Listener::finish() {
  if (!fd_.valid()) return;
  accept_waiting(kBacklog);
  watch_.reset();
  fd_.reset();
}

}  // namespace sluice::serve
