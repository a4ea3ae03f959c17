#include "relay/pipe_pool.h"

namespace sluice::relay {

namespace {
// A pipe of one or two pages has as many slots: a relay through it would make a pair of system calls for each
// segment or two. The kernel hands them out silently once a user's pipe pages pass the soft quota (pipe(7),
// pipe-user-pages-soft).
constexpr std::size_t kLeastCapacity = 4 * 4096;
}  // namespace

PipeLease PipePool::take() noexcept {
  if (!free_.empty()) {
    os::Pipe pipe = std::move(free_.back());
    free_.pop_back();
    ++in_use_;
    return {*this, std::move(pipe)};
  }
  if (in_use_ < most_) {
    int error = 0;
    os::Pipe pipe = os::Pipe::open(capacity_wanted_, error);
    if (pipe.valid() && pipe.capacity() >= kLeastCapacity) {
      ++in_use_;
      return {*this, std::move(pipe)};
    }
  }
  ++refused_;
  return {};
}

void PipePool::give(os::Pipe pipe) noexcept {
  --in_use_;
  if (pipe.pending() != 0 || free_.size() >= spare_) return;  // closes it
  if (free_.capacity() == 0) free_.reserve(spare_);
  free_.push_back(std::move(pipe));
}

}  // namespace sluice::relay
