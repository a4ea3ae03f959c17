// Many HTTP/1.1 clients in one thread: bench/scenarios measures with them what wrk can't ask for.
//
//   crowd PORT CONNECTIONS PATH [FILE]
//
// Opens the connections, makes one request for PATH on each, tells of them as of any run and then takes
// commands, one a line of words with a value; each is answered by a line of JSON. The end of its input ends it.
//
//   run seconds=2 at_once=16 active=16 rate=0 path=/g%/4KiB numbers=100 close=0
//
// The first `active` connections take requests in turn. With a rate (requests a second) each is due at a time of its
// own, and waits in line where the peer is slow: latency counts from when it was due. Without one, `at_once` are always
// under way. `%` in the path is a number below `numbers`, each in turn. close=1: a new connection for every request.
//
// The file, if any, is what each body has to be, byte for byte. A request is made again, and counted as `retried`, only
// where HTTP says that a client may: a kept connection ended before any byte of the response (RFC 9112, section 9.3.1).
// Everything else that goes wrong is `failed`.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "crowd: %s\n", what.c_str());
  std::exit(1);
}

struct Order {
  double seconds = 0;  // 0: until every connection has been used once
  std::size_t at_once = 16, active = 16;
  double rate = 0;
  std::string path;
  std::size_t numbers = 1;
  bool close = false;
};

Order order_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  if (words >> word; word != "run") fail("no such command: " + line);
  Order order;
  while (words >> word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) fail("no value: " + word);
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "seconds") {
      order.seconds = std::stod(value);
    } else if (key == "at_once") {
      order.at_once = std::stoul(value);
    } else if (key == "active") {
      order.active = std::stoul(value);
    } else if (key == "rate") {
      order.rate = std::stod(value);
    } else if (key == "path") {
      order.path = value;
    } else if (key == "numbers") {
      order.numbers = std::stoul(value);
    } else if (key == "close") {
      order.close = value == "1";
    } else {
      fail("no such word: " + key);
    }
  }
  return order;
}

struct Connection {
  int socket = -1;
  std::uint32_t generation = 0;  // of the socket
  bool connecting = false, busy = false;
  bool used = false;  // has brought a response
  bool last = false;  // the peer said that it closes behind this response
  bool in_body = false;
  std::string request;               // of the exchange under way
  std::string head;                  // what came of it
  std::uint64_t at = 0, length = 0;  // in the body
  Clock::time_point begun;
};

struct Sums {
  std::uint64_t requests = 0, bytes = 0, failed = 0, retried = 0, closed = 0;
  double seconds = 0;
  std::vector<std::uint32_t> us;  // of each request, sorted in the end

  std::uint32_t at(double share) {
    if (us.empty()) return 0;
    const auto n = static_cast<std::size_t>(share * static_cast<double>(us.size() - 1) + 0.5);
    return us[n];
  }
};

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && ::strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t size, std::string expected)
      : port_(port),
        expected_(std::move(expected)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        all_(size),
        buffer_(256 << 10) {}

  Sums run(const Order& order) {
    order_ = order;
    sums_ = {};
    if (order.active > all_.size()) fail("more active connections than there are");
    if (order.seconds > 0) sums_.us.reserve(1 << 20);
    free_.clear();
    for (std::size_t n = 0; n < order.active; ++n) free_.push_back(n);
    started_ = under_way_ = 0;
    begin_ = Clock::now();
    wanted_ = order.rate > 0      ? static_cast<std::uint64_t>(order.rate * order.seconds)
              : order.seconds > 0 ? ~std::uint64_t{0}
                                  : order.active;
    const auto end = begin_ + nanoseconds(static_cast<std::int64_t>(order.seconds * 1e9));
    const auto patience = end + std::chrono::seconds(30);
    while (started_ < wanted_ && Clock::now() < (wanted_ == ~std::uint64_t{0} ? end : patience)) {
      start_what_is_due();
      wait(wanted_ == ~std::uint64_t{0} ? end : patience);
    }
    // What was begun in time counts, however late it ends: a stall at the end must not be forgotten.
    wanted_ = started_;
    while (under_way_ > 0 && Clock::now() < patience) wait(patience);
    if (under_way_ > 0) {
      sums_.failed += under_way_;
      for (auto& one : all_) {
        if (one.busy) drop(one);
      }
    }
    sums_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    std::sort(sums_.us.begin(), sums_.us.end());
    return std::move(sums_);
  }

 private:
  Clock::time_point due(std::uint64_t n) const {
    return begin_ + nanoseconds(static_cast<std::int64_t>(static_cast<double>(n) * 1e9 / order_.rate));
  }

  void start_what_is_due() {
    while (!free_.empty() && under_way_ < order_.at_once && started_ < wanted_) {
      const auto now = Clock::now();
      auto begun = now;
      if (order_.rate > 0) {
        begun = due(started_);
        if (begun > now) return;
      }
      Connection& one = all_[free_.front()];
      free_.pop_front();
      one.begun = begun;
      one.busy = true;
      one.request = request_of(started_++);
      ++under_way_;
      send(one);
    }
  }

  std::string request_of(std::uint64_t n) const {
    std::string path = order_.path;
    if (const auto mark = path.find('%'); mark != std::string::npos) {
      path.replace(mark, 1, std::to_string(n % order_.numbers));
    }
    return "GET " + path + " HTTP/1.1\r\nHost: bench.example\r\n" +
           (order_.close ? "Connection: close\r\n\r\n" : "\r\n");
  }

  void send(Connection& one) {
    one.head.clear();
    one.in_body = one.last = false;
    if (one.socket < 0) return connect(one);
    const ssize_t sent = ::send(one.socket, one.request.data(), one.request.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(one.request.size())) return;
    if (sent >= 0) fail("a request that does not fit into an idle connection");
    broken(one);
  }

  // From many addresses, so that no port runs out.
  void connect(Connection& one) {
    const int on = 1;
    one.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (one.socket < 0) fail(std::string("socket: ") + std::strerror(errno));
    ::setsockopt(one.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(one.socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + ++source_ % 64);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port_);
    if (::bind(one.socket, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) fail("bind");
    one.used = false;
    if (::connect(one.socket, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)
      return broken(one);
    one.connecting = true;
    watch(one, EPOLL_CTL_ADD, EPOLLOUT);
  }

  void watch(Connection& one, int what, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 =
        static_cast<std::uint64_t>(one.generation) << 32 | static_cast<std::uint64_t>(&one - all_.data());
    if (::epoll_ctl(epoll_, what, one.socket, &event) != 0) fail("epoll_ctl");
  }

  void wait(Clock::time_point until) {
    if (order_.rate > 0 && !free_.empty() && started_ < wanted_) until = std::min(until, due(started_));
    const auto left = std::max(nanoseconds(until - Clock::now()), nanoseconds(0)).count();
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    epoll_event events[256];
    const int came = ::epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
    for (int n = 0; n < came; ++n) {
      Connection& one = all_[events[n].data.u64 & 0xffffffff];
      if (one.generation != events[n].data.u64 >> 32) continue;  // of a socket that is no more
      if (one.connecting) {
        one.connecting = false;
        watch(one, EPOLL_CTL_MOD, EPOLLIN);
        send(one);
      } else {
        receive(one);
      }
      start_what_is_due();
    }
  }

  // One read: what is left will be told again.
  void receive(Connection& one) {
    const ssize_t got = ::recv(one.socket, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return broken(one);
    if (!one.busy) return wrong(one);  // nothing was asked for
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (!one.in_body) {
      const auto before = one.head.size();
      one.head += bytes;
      const auto blank = one.head.find("\r\n\r\n");
      if (blank == std::string::npos) return;
      bytes.remove_prefix(blank + 4 - before);
      one.head.resize(blank + 2);
      if (!understand(one)) return wrong(one);
      one.in_body = true;
    }
    if (bytes.size() > one.length - one.at) return wrong(one);
    if (!expected_.empty() && expected_.compare(one.at, bytes.size(), bytes) != 0) return wrong(one);
    one.at += bytes.size();
    sums_.bytes += bytes.size();
    if (one.at == one.length) complete(one);
  }

  bool understand(Connection& one) const {
    if (one.head.compare(0, 12, "HTTP/1.1 200") != 0) return false;
    one.at = 0;
    one.length = ~std::uint64_t{0};
    std::size_t line = one.head.find("\r\n") + 2;
    while (line < one.head.size()) {
      const std::size_t stop = one.head.find("\r\n", line);
      const std::string_view field(one.head.data() + line, stop - line);
      if (has_prefix(field, "content-length:")) one.length = std::strtoull(field.data() + 15, nullptr, 10);
      if (has_prefix(field, "connection: close")) one.last = true;
      line = stop + 2;
    }
    return expected_.empty() ? one.length != ~std::uint64_t{0} : one.length == expected_.size();
  }

  void complete(Connection& one) {
    const auto took = std::chrono::duration_cast<microseconds>(Clock::now() - one.begun).count();
    sums_.us.push_back(static_cast<std::uint32_t>(took));
    ++sums_.requests;
    one.used = true;
    if (one.last || order_.close) close(one);
    done(one);
  }

  void done(Connection& one) {
    one.busy = false;
    --under_way_;
    const auto number = static_cast<std::size_t>(&one - all_.data());
    if (number < order_.active) free_.push_back(number);
  }

  void broken(Connection& one) {
    const bool may_try_again = one.used && one.head.empty();
    close(one);
    if (!one.busy) {
      ++sums_.closed;
    } else if (may_try_again) {
      ++sums_.retried;
      connect(one);
    } else {
      ++sums_.failed;
      done(one);
    }
  }

  void wrong(Connection& one) {
    ++sums_.failed;
    drop(one);
  }

  void drop(Connection& one) {
    close(one);
    if (one.busy) done(one);
  }

  static void close(Connection& one) {
    if (one.socket >= 0) ::close(one.socket), ++one.generation;
    one.socket = -1;
    one.connecting = false;
  }

  std::uint16_t port_;
  std::string expected_;
  int epoll_;
  std::vector<Connection> all_;
  std::vector<char> buffer_;
  std::deque<std::size_t> free_;  // those that wait for a request, the longest waiting first
  Order order_;
  Sums sums_;
  std::uint64_t started_ = 0, wanted_ = 0;  // requests of this run
  std::size_t under_way_ = 0;
  std::uint32_t source_ = 0;
  Clock::time_point begin_;
};

void tell(Sums sums) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"requests\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"failed\": %llu, \"retried\": %llu, "
      "\"closed\": %llu, "
      "\"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u, \"max_us\": %u}\n",
      number(sums.requests), number(sums.bytes), sums.seconds, number(sums.failed), number(sums.retried),
      number(sums.closed), sums.at(0.5), sums.at(0.99), sums.at(0.999), sums.at(1));
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) fail("PORT CONNECTIONS PATH [FILE]");
  ::prctl(PR_SET_TIMERSLACK, 1);  // ns: requests leave when they are due
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  std::string expected;
  if (count > 4) {
    std::ifstream file(words[4], std::ios::binary);
    expected.assign(std::istreambuf_iterator<char>(file), {});
    if (expected.empty()) fail(std::string("cannot read ") + words[4]);
  }
  const auto size = static_cast<std::size_t>(std::atoll(words[2]));
  Crowd crowd(static_cast<std::uint16_t>(std::atoi(words[1])), size, std::move(expected));
  Order open;
  open.active = size;
  open.at_once = 64;  // below every backlog
  open.path = words[3];
  tell(crowd.run(open));
  for (std::string line; std::getline(std::cin, line);) {
    tell(crowd.run(order_of(line)));
  }
}
