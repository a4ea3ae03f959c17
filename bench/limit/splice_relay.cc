// The least relay that leaves the bytes in the kernel: splice(2) from socket to pipe to socket, one pipe a direction.
//
//   splice_relay PORT ORIGIN_PORT
//
// A request and its answer cost six calls: twice epoll_wait, splice in, splice out.
#include <fcntl.h>

#include <cerrno>

#include "relay.h"

namespace {

// A pipe of 1 MiB takes what a socket holds, however small its segments, and long bodies need fewer rounds than with
// the kernel's 64 KiB.
constexpr std::size_t kPipe = 1 << 20;
constexpr unsigned kHow = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

class Splicing {
 public:
  Splicing() {
    limit::must(::pipe2(ends_, O_NONBLOCK), "pipe2");
    (void)::fcntl(ends_[1], F_SETPIPE_SZ, kPipe);  // a user's limit may forbid it
  }
  ~Splicing() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Splicing(const Splicing&) = delete;
  Splicing& operator=(const Splicing&) = delete;

  limit::Progress move(int from, int to) {
    if (held_ == 0) {
      const ssize_t got = ::splice(from, nullptr, ends_[1], nullptr, kPipe, kHow);
      if (got <= 0) return got < 0 && errno == EAGAIN ? limit::Progress::kWaiting : limit::Progress::kOver;
      held_ = static_cast<std::size_t>(got);
    }
    const ssize_t gone = ::splice(ends_[0], nullptr, to, nullptr, held_, kHow);
    if (gone < 0) return errno == EAGAIN ? limit::Progress::kBlocked : limit::Progress::kOver;
    held_ -= static_cast<std::size_t>(gone);
    return held_ == 0 ? limit::Progress::kWaiting : limit::Progress::kBlocked;
  }

 private:
  int ends_[2];
  std::size_t held_ = 0;  // in the pipe
};

}  // namespace

int main(int count, char** words) { return limit::run_relay<Splicing>(count, words); }
