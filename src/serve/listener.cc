#include "serve/listener.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "os/process.h"
#include "os/socket.h"

namespace sluice::serve {

namespace {
constexpr int kBacklog = 4096;        // the kernel caps it at net.core.somaxconn
constexpr int kAcceptsPerEvent = 64;  // then others get their turn
constexpr std::chrono::milliseconds kRest{100};
}  // namespace

Listener::Listener(WorkerState& state, const std::string& address, OnClient on_client, IsFull is_full)
    : state_(state),
      name_(address),
      on_client_(std::move(on_client)),
      is_full_(std::move(is_full)),
      spare_(os::open_spare()) {
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
    if (watch_ && is_full_ && is_full_()) {
      held_ = true;
      return watch_->pause();
    }
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
        switch (turn_one_away()) {
          case 0:
            continue;
          case EAGAIN:  // nobody waits: the kernel looks for a descriptor first
            return;
          default:
            return rest();
        }
      default:  // ENOBUFS, ENOMEM
        state_.counters.accept_failed.add();
        return rest();
    }
  }
}

// errno of the attempt.
int Listener::turn_one_away() {
  if (const auto held = shortage_.pass(state_.loop.now()))
    spdlog::error("out of descriptors: clients of {} are turned away ({} times more since it was said last)",
                  name_, *held);
  spare_.reset();
  os::Address peer;
  const int error = os::accept_tcp(fd_.get(), peer).error;  // a client is closed at once
  if (error == 0) state_.counters.turned_away.add();
  spare_ = os::open_spare();
  return error;
}

// Nobody can be let in or turned away, and the event would come again at once, and again.
void Listener::rest() {
  if (!watch_) return;
  watch_->pause();
  state_.loop.deadlines().set(*this, state_.loop.now() + kRest);
}

void Listener::look_again() {
  if (std::exchange(held_, false)) watch_->resume();
}

void Listener::finish() {
  if (!fd_.valid()) return;
  cancel();
  held_ = false;
  watch_.reset();
  accept_waiting(kBacklog);
  fd_.reset();
}

}  // namespace sluice::serve
