// Consumers that do nothing but fetch: bench/works/kafka.py measures servers with them.
//
//   kafka_fetch PORT TOPIC FETCH_BYTES CONSUMERS SECONDS     as fast as it goes, again from the start at the end
//   kafka_fetch PORT TOPIC FETCH_BYTES check SECONDS         once through partition 0, or as far as it gets in the time;
//                                                            every batch's CRC, no gap
//
// Each consumer has a connection and one Fetch (version 11) under way, all in one thread. Prints fetches, bytes of whole
// batches (what a consumer can use), bytes received, microseconds, and of the times from a question to its whole answer
// the median and the 99th and 99.9th percentile; in the second form batches, how far it came and the
// log's end, too.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "kafka_fetch: %s\n", what.c_str());
  std::exit(1);
}

template <typename Number>
void put(std::string& out, Number value) {
  for (int shift = 8 * (int{sizeof value} - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff));
  }
}

template <typename Number>
Number get(const char* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return static_cast<Number>(value);
}

std::uint32_t crc32c(const char* bytes, std::size_t size) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t crc = n;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
      made[n] = crc;
    }
    return made;
  }();
  std::uint32_t crc = ~0U;
  for (std::size_t i = 0; i < size; ++i)
    crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(bytes[i])) & 0xff];
  return ~crc;
}

using Time = std::chrono::steady_clock::time_point;

long long microseconds_since(Time begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin)
      .count();
}

std::uint32_t percentile(std::vector<std::uint32_t>& of, double share) {
  if (of.empty()) return 0;
  const auto at = of.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(of.size() - 1));
  std::nth_element(of.begin(), at, of.end());
  return *at;
}

struct Sums {
  std::uint64_t fetches = 0, whole = 0, received = 0, batches = 0;
  std::vector<std::uint32_t> waits;  // microseconds
};

class Consumer {
 public:
  Consumer(std::uint16_t port, std::string topic, std::int32_t size, bool check)
      : topic_(std::move(topic)), size_(size), check_(check), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("no connection");
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    buffer_.resize(std::max(1 << 20, 2 * size));
  }

  [[nodiscard]] int socket() const noexcept { return socket_; }
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }
  void seek(std::int64_t offset) noexcept { offset_ = offset; }

  void ask() {
    std::string body;
    put<std::int16_t>(body, 1), put<std::int16_t>(body, 11), put<std::int32_t>(body, ++correlation_);
    text(body, "bench");
    put<std::int32_t>(body, -1);                                     // replica
    put<std::int32_t>(body, 500), put<std::int32_t>(body, 1);        // max_wait, min_bytes
    put<std::int32_t>(body, 0x7fffffff), put<std::int8_t>(body, 0);  // max_bytes, isolation
    put<std::int32_t>(body, 0), put<std::int32_t>(body, -1);         // no session
    put<std::int32_t>(body, 1), text(body, topic_);
    put<std::int32_t>(body, 1), put<std::int32_t>(body, 0), put<std::int32_t>(body, -1);
    put<std::int64_t>(body, offset_), put<std::int64_t>(body, -1), put<std::int32_t>(body, size_);
    put<std::int32_t>(body, 0), text(body, "");
    std::string frame;
    put<std::int32_t>(frame, static_cast<std::int32_t>(body.size()));
    frame += body;
    asked_ = std::chrono::steady_clock::now();
    if (::send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()))
      fail("send");
  }

  // Takes what is there; true when that was the rest of a response.
  bool receive(Sums& sums) {
    const ssize_t got = ::recv(socket_, buffer_.data() + held_, buffer_.size() - held_, 0);
    if (got <= 0) fail("the server closed the connection");
    held_ += static_cast<std::size_t>(got);
    if (held_ < 4) return false;
    const std::size_t frame = 4 + get<std::uint32_t>(buffer_.data());
    if (frame > 256U << 20) fail("a frame of " + std::to_string(frame));
    if (buffer_.size() < frame) buffer_.resize(frame);
    if (held_ < frame) return false;
    if (held_ > frame) fail("more than was asked for");
    held_ = 0;
    ++sums.fetches;
    sums.waits.push_back(static_cast<std::uint32_t>(microseconds_since(asked_)));
    understand(buffer_.data(), frame, sums);
    return true;
  }

 private:
  static void text(std::string& out, const std::string& value) {
    put<std::int16_t>(out, static_cast<std::int16_t>(value.size()));
    out += value;
  }

  void understand(const char* frame, std::size_t size, Sums& sums) {
    // size, correlation, throttle, error, session, topics, name
    if (get<std::int32_t>(frame + 4) != correlation_ || get<std::int16_t>(frame + 12) != 0)
      fail("not the answer");
    const char* at = frame + 18 + 4 + 2 + topic_.size() + 4 + 4;
    if (const auto error = get<std::int16_t>(at); error != 0) fail("error " + std::to_string(error));
    const auto end = get<std::int64_t>(at + 2);
    at += 2 + 8 + 8 + 8;
    const auto aborted = get<std::int32_t>(at);
    at += 4 + 16 * std::max(aborted, 0) + 4;
    const auto records = get<std::uint32_t>(at);
    at += 4;
    if (at + records != frame + size) fail("the records don't end where the frame does");
    sums.received += records;
    const std::int64_t before = offset_;
    for (const char* const stop = at + records; stop - at >= 61;) {
      const std::size_t batch = 12 + get<std::uint32_t>(at + 8);
      if (batch > static_cast<std::size_t>(stop - at)) break;  // cut at the limit
      const auto first = get<std::int64_t>(at);
      if (check_ && crc32c(at + 21, batch - 21) != get<std::uint32_t>(at + 17))
        fail("a wrong CRC at " + std::to_string(first));
      if (check_ && first != offset_) fail("a gap at " + std::to_string(offset_));
      offset_ = first + get<std::int32_t>(at + 23) + 1;
      sums.whole += batch;
      ++sums.batches;
      at += batch;
    }
    if (offset_ == before) fail("nothing new at " + std::to_string(before));
    if (offset_ >= end && !check_) offset_ = 0;
    end_ = end;
  }

  std::string topic_;
  std::int32_t size_;
  bool check_;
  int socket_;
  std::int32_t correlation_ = 0;
  std::int64_t offset_ = 0;
  std::vector<char> buffer_;
  std::size_t held_ = 0;
  Time asked_;

 public:
  std::int64_t end_ = -1;  // of the log, as last told
};

}  // namespace

int main(int count, char** words) {
  if (count != 6) fail("PORT TOPIC FETCH_BYTES CONSUMERS|check SECONDS");
  const auto port = static_cast<std::uint16_t>(std::atoi(words[1]));
  const std::int32_t size = std::atoi(words[3]);
  const bool check = std::string(words[4]) == "check";
  const int many = check ? 1 : std::atoi(words[4]);
  const auto begin = std::chrono::steady_clock::now();
  const auto until = begin + std::chrono::microseconds(static_cast<long long>(1e6 * std::atof(words[5])));
  Sums sums;
  std::vector<Consumer> consumers;
  std::vector<pollfd> waiting;
  for (int n = 0; n < many; ++n) {
    consumers.emplace_back(port, words[2], size, check);
    waiting.push_back({consumers.back().socket(), POLLIN, 0});
    consumers.back().ask();
  }
  while (std::chrono::steady_clock::now() < until) {
    if (::poll(waiting.data(), waiting.size(), 10'000) <= 0) fail("nothing comes");
    for (std::size_t n = 0; n < consumers.size(); ++n) {
      if (waiting[n].revents == 0 || !consumers[n].receive(sums)) continue;
      // Each is somewhere else in the log.
      if (!check && sums.fetches <= consumers.size())
        consumers[n].seek(consumers[n].end_ / many * static_cast<int>(n));
      if (check && consumers[n].offset() >= consumers[n].end_) goto done;
      consumers[n].ask();
    }
  }
done:
  const long long us = microseconds_since(begin);
  std::printf(
      "{\"fetches\": %llu, \"whole\": %llu, \"received\": %llu, \"us\": %lld, \"batches\": %llu, \"offset\": "
      "%lld, \"end\": %lld, "
      "\"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u}\n",
      static_cast<unsigned long long>(sums.fetches), static_cast<unsigned long long>(sums.whole),
      static_cast<unsigned long long>(sums.received), us, static_cast<unsigned long long>(sums.batches),
      static_cast<long long>(consumers.front().offset()), static_cast<long long>(consumers.front().end_),
      percentile(sums.waits, 0.5), percentile(sums.waits, 0.99), percentile(sums.waits, 0.999));
}
