// The least relay that copies: recv(2) and send(2), one buffer for all connections.
//
//   copy_relay PORT ORIGIN_PORT
//
// A request and its answer cost six calls: twice epoll_wait, recv, send.
#include <cerrno>

#include "relay.h"

namespace {

// As much as the second level of most processors' caches has room for; with 64 KiB, bodies of 1 MiB and more cost more.
std::array<char, 1 << 18> buffer;

class Copying {
 public:
  limit::Progress move(int from, int to) {
    if (held_ == 0) {
      const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
      if (got <= 0) return got < 0 && errno == EAGAIN ? limit::Progress::kWaiting : limit::Progress::kOver;
      return send(to, buffer.data(), static_cast<std::size_t>(got));
    }
    return send(to, rest_.data() + (rest_.size() - held_), held_);
  }

 private:
  limit::Progress send(int to, const char* bytes, std::size_t size) {
    const ssize_t gone = ::send(to, bytes, size, 0);
    if (gone < 0 && errno != EAGAIN) return limit::Progress::kOver;
    const std::size_t sent = gone < 0 ? 0 : static_cast<std::size_t>(gone);
    if (held_ == 0 && sent < size) rest_.assign(bytes + sent, bytes + size);  // others will use the buffer
    held_ = size - sent;
    return held_ == 0 ? limit::Progress::kWaiting : limit::Progress::kBlocked;
  }

  std::vector<char> rest_;  // whose last held_ bytes `to` had no room for
  std::size_t held_ = 0;
};

}  // namespace

int main(int count, char** words) { return limit::run_relay<Copying>(count, words); }
