// What transfers are tested between: a worker's loop and pools, and sockets on it whose far ends the test
// plays.
//
// Nothing here waits for long: play() gives up when no byte moves any more, which is how a hang shows.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.h"
#include "os/process.h"
#include "os/socket.h"
#include "relay/socket_channel.h"
#include "relay/stream_transfer.h"

namespace sluice::testing {

struct Worker {
  explicit Worker(const relay::Sizes& sizes = {}) : relay(loop, offload, sizes) { os::ignore_sigpipe(); }

  // One turn of the loop for what the kernel has to say now.
  void turn() {
    loop.post([this] { loop.post([this] { loop.stop(); }); });
    loop.run();
  }
  // Nothing may be left of a body once it is over.
  [[nodiscard]] bool idle() const noexcept {
    return relay.pipes.in_use() == 0 && relay.buffers_in_use() == 0;
  }

  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  relay::Resources relay;
};

enum class Transport { kUnix, kTcp };

// A socket on the loop, and its other end in the test's hand.
class End final {
 public:
  // `send_buffer`, if not 0, is asked of the kernel for both directions that lead out of the loop.
  End(Worker& worker, Transport transport, int send_buffer = 0) {
    os::UniqueFd ours;
    if (transport == Transport::kUnix) {
      int ends[2];
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
      ours.reset(ends[0]);
      peer.reset(ends[1]);
    } else {
      const auto listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), 4);
      REQUIRE(listener.error == 0);
      auto made = os::connect_tcp(os::local_address(listener.fd.get()));
      REQUIRE(made.error == 0);
      peer = std::move(made.fd);
      os::Address from;
      auto accepted = os::accept_tcp(listener.fd.get(), from);
      REQUIRE(accepted.error == 0);
      ours = std::move(accepted.fd);
      os::set_nodelay(ours.get());
    }
    if (send_buffer != 0) ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    const bool attached = socket.attach(worker.loop, std::move(ours));
    REQUIRE(attached);
  }
  ~End() = default;

  // What the kernel took of it.
  std::size_t write(std::string_view text) {
    const ssize_t n = ::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  // What has arrived, at most `most` bytes. Notes the end of the stream, or its reset.
  std::string read(std::size_t most = std::string::npos) {
    std::string out;
    while (out.size() < most) {
      std::array<char, 16384> bytes;
      const auto got = os::recv_some(peer.get(), {bytes.data(), std::min(bytes.size(), most - out.size())});
      if (!got.ok() && !got.would_block()) error = got.error;
      if (got.ok() && got.bytes == 0) ended = true;
      if (!got.ok() || got.bytes == 0) break;
      out.append(bytes.data(), got.bytes);
    }
    return out;
  }
  void finish() { ::shutdown(peer.get(), SHUT_WR); }
  void reset() {
    os::set_reset_on_close(peer.get());
    peer.reset();
  }
  // From now on the kernel answers EINVAL to splice and sendfile into this socket, and takes plain sends.
  // Source: splice(2), EINVAL for a target opened with O_APPEND.
  void refuse_kernel_paths() const { REQUIRE(::fcntl(socket.fd(), F_SETFL, O_NONBLOCK | O_APPEND) == 0); }

  relay::SocketChannel socket;
  relay::Buffer held;
  os::UniqueFd peer;
  bool ended = false;  // read() met the end of the stream
  int error = 0;       // ... or errno
};

// How the far ends behave and how long a step is; 0: all at once. Pieces are of random sizes up to those
// given here.
struct Pace {
  std::size_t write = 0, read = 0;
  std::size_t budget = 1_MiB;
  unsigned seed = 1;
};

struct Played {
  Step last = Step::kMoved;
  int error = 0;
  std::string out;        // what the sink's far end received
  std::size_t moved = 0;  // sum of what the steps said
  bool stuck = false;     // no answer, and nothing moved any more
  std::size_t most = 0;   // moved by one step
};

inline bool goes_on(Step step) {
  return step == Step::kMoved || step == Step::kSourceDry || step == Step::kSinkFull ||
         step == Step::kWaiting;
}

// Plays `wire` into the source, the steps, and the reads at the sink against each other until the transfer
// answers. `head` goes out with the first step. After the wire the source's far end closes if `close`, else
// it stays silent.
inline Played play(Worker& worker, End& source, End& sink, relay::StreamTransfer& transfer,
                   std::string_view wire, bool close, const Pace& pace = {}, std::string_view head = {}) {
  std::mt19937 random(pace.seed);
  const auto up_to = [&](std::size_t most) { return most == 0 ? std::string::npos : 1 + random() % most; };
  Played out;
  bool first = true;
  const std::size_t pipes = worker.relay.pipes.in_use();  // of others
  // Longer than what TCP may wait for: a delayed ACK (40 ms), a retransmission (200 ms).
  constexpr std::chrono::milliseconds kPatience{300};
  auto moved_at = std::chrono::steady_clock::now();
  for (int quiet = 0; quiet <= 3 || std::chrono::steady_clock::now() - moved_at < kPatience;) {
    bool progress = first;
    if (!wire.empty()) {
      const std::size_t n = source.write(wire.substr(0, up_to(pace.write)));
      wire.remove_prefix(n);
      progress = progress || n != 0;
    }
    if (wire.empty() && close) {
      source.finish();
      progress = true;
      close = false;
    }
    worker.turn();
    const std::size_t budget = pace.write == 0 ? pace.budget : 500 + random() % pace.budget;
    const StepResult result =
        transfer.step(source.socket, source.held, sink.socket, budget, first ? head : std::string_view());
    first = false;
    out.moved += result.bytes;
    out.most = std::max(out.most, result.bytes);
    progress = progress || result.bytes != 0;
    const std::string got = sink.read(up_to(pace.read));
    progress = progress || !got.empty();
    out.out += got;
    out.last = result.step;
    out.error = result.error;
    if (!goes_on(result.step)) {
      for (std::string rest = sink.read(); !rest.empty(); rest = sink.read()) out.out += rest;
      return out;
    }
    if (result.step == Step::kSourceDry && worker.relay.pipes.in_use() > pipes)
      FAIL("a dry source holds a pipe");
    if (result.step == Step::kSourceDry && source.held.holds_block()) FAIL("a dry source holds a block");
    quiet = progress ? 0 : quiet + 1;
    if (progress) moved_at = std::chrono::steady_clock::now();
    if (quiet > 3) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  out.stuck = true;
  return out;
}

// Bytes that repeat only after a long time, so that a shift by any small distance shows.
inline std::string pattern(std::size_t size, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>('!' + random() % 90);
  return out;
}

inline std::string hex(std::size_t n) {
  std::string out;
  do out.insert(out.begin(), "0123456789abcdef"[n % 16]);
  while ((n /= 16) != 0);
  return out;
}

// `body` in chunks of these sizes, over and over.
inline std::string chunked(std::string_view body, const std::vector<std::size_t>& sizes,
                           std::string_view trailers = {}) {
  std::string out;
  for (std::size_t i = 0; !body.empty(); ++i) {
    const std::string_view chunk = body.substr(0, sizes[i % sizes.size()]);
    out += hex(chunk.size()) + "\r\n" + std::string(chunk) + "\r\n";
    body.remove_prefix(chunk.size());
  }
  return out + "0\r\n" + std::string(trailers) + "\r\n";
}

// A decoder that has nothing in common with the one under test: whole input, no states.
struct Unchunked {
  std::string body, trailers;
  bool complete = false;  // ended by a last chunk, with nothing behind it
  std::size_t chunks = 0;
};
inline Unchunked unchunk(std::string_view in) {
  Unchunked out;
  for (;;) {
    const std::size_t eol = in.find("\r\n");
    if (eol == std::string_view::npos) return out;
    const std::size_t size = std::stoul(std::string(in.substr(0, eol)), nullptr, 16);
    in.remove_prefix(eol + 2);
    if (size == 0) break;
    ++out.chunks;
    out.body += in.substr(0, size);
    if (in.size() < size + 2) return out;
    if (in.substr(size, 2) != "\r\n") {
      FAIL("a chunk does not end where it said");
      return out;
    }
    in.remove_prefix(size + 2);
  }
  // Behind the last chunk: trailer lines, if any, then an empty line, then nothing.
  const std::size_t end = in.starts_with("\r\n") ? 0 : in.find("\r\n\r\n");
  if (end == std::string_view::npos) return out;
  out.trailers = end == 0 ? "" : in.substr(0, end + 2);
  out.complete = in.size() == out.trailers.size() + 2;
  return out;
}

}  // namespace sluice::testing
