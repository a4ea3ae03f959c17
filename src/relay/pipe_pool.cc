#include "relay/pipe_pool.h"

namespace sluice::relay {

namespace {
// A pipe of one or two pages has as many slots: a relay through it would make a pair of system calls for each
// segment or two. The kernel hands them out silently once a user's pipe pages pass the soft quota (pipe(7),
// pipe-user-pages-soft).
constexpr std::size_t kLeastCapacity = 4 * 4096;

os::Pipe pop(std::vector<os::Pipe>& pipes) noexcept {
  os::Pipe pipe = std::move(pipes.back());
  pipes.pop_back();
  return pipe;
}
}  // namespace

PipeLease PipePool::lend(os::Pipe pipe) noexcept {
  ++kind_of(pipe).in_use;
  return {*this, std::move(pipe)};
}

PipeLease PipePool::take(std::uint64_t to_come) noexcept {
  if (to_come >= kLong)
    if (PipeLease wide = take_wide(); wide.valid()) return wide;
  if (!ordinary_.free.empty()) return lend(pop(ordinary_.free));
  if (in_use() < most_) {
    int error = 0;
    os::Pipe pipe = os::Pipe::open(ordinary_.capacity, error);
    if (pipe.valid() && pipe.capacity() >= kLeastCapacity) return lend(std::move(pipe));
  }
  ++refused_;
  return {};
}

// Invalid where there is none to be had: an ordinary one serves as well.
PipeLease PipePool::take_wide() noexcept {
  if (!wide_.free.empty()) return lend(pop(wide_.free));
  const bool wanted = ordinary_.capacity >= kLeastCapacity;  // else the configuration says: no pipes
  if (!wanted || wide_refused_ || wide_.in_use == kMostWide || in_use() >= most_) return {};
  int error = 0;
  os::Pipe pipe = os::Pipe::open(wide_.capacity, error);
  if (pipe.valid() && is_wide(pipe)) return lend(std::move(pipe));
  // Above pipe-max-size, or the user's quota is spent: to ask anew for each body would cost more than it brings.
  wide_refused_ = pipe.valid();
  return {};
}

void PipePool::give(os::Pipe pipe) noexcept {
  Kind& kind = kind_of(pipe);
  --kind.in_use;
  if (pipe.pending() != 0 || kind.free.size() >= kind.spare) return;  // closes it
  if (kind.free.capacity() == 0) kind.free.reserve(kind.spare);
  kind.free.push_back(std::move(pipe));
}

}  // namespace sluice::relay
