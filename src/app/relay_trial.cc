#include "app/relay_trial.h"

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "loop/event_loop.h"
#include "loop/offload.h"
#include "os/socket.h"
#include "os/write_file.h"
#include "relay/body_transfer.h"
#include "relay/resources.h"
#include "relay/socket_channel.h"
#include "relay/stream_transfer.h"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPairs = 8;
constexpr std::size_t kBudget = 1_MiB;  // as of a worker: see serve/worker_state.h
constexpr std::chrono::seconds kPatience{60};

const std::string kHead =
    "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/octet-stream\r\n"
    "Content-Length: 1048576\r\nETag: \"5f3c2a1b-100000\"\r\nAccept-Ranges: bytes\r\nX-Request-Id: "
    "0123456789\r\n\r\n";

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::generic_category().message(error));
}

struct Connection {
  os::UniqueFd near, far;  // that connected, that accepted
};

Connection connect(int listener) {
  os::SocketOr near = os::connect_tcp(os::local_address(listener));
  if (!near.fd.valid()) fail("can't connect over loopback", near.error);
  os::Address peer;
  const os::Time until = os::now() + 5s;
  os::SocketOr far = os::accept_tcp(listener, peer);
  for (; far.error == EAGAIN && os::now() < until; far = os::accept_tcp(listener, peer))
    std::this_thread::yield();
  if (!far.fd.valid()) fail("can't accept over loopback", far.error);
  os::set_nodelay(near.fd.get());
  os::set_nodelay(far.fd.get());
  return {std::move(near.fd), std::move(far.fd)};
}

// A file of the largest size that nobody else sees, in the page cache.
std::shared_ptr<relay::File> make_file() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("sluice-calibrate-" + std::to_string(std::random_device{}()));
  os::FileOr file = os::open_to_write(path.string());
  if (!file.fd.valid()) fail(path.string(), file.error);
  (void)os::remove_file(path.string());
  const std::string block(1_MiB, 'x');
  for (std::uint64_t at = 0; at < RelayTrial::kLargest; at += block.size()) {
    const os::IoResult put = os::write_at(file.fd.get(), block, at);
    if (!put.ok()) fail(path.string(), put.error);
  }
  return std::make_shared<relay::File>(std::move(file.fd), RelayTrial::kLargest);
}

// The load thread's: a server that sends a body for each byte it gets.
class Origin final : relay::ChannelHandler {
 public:
  void attach(loop::EventLoop& loop, os::UniqueFd fd) {
    channel_.set_handler(*this);
    if (!channel_.attach(loop, std::move(fd))) fail("can't watch a socket", ENOMEM);
  }
  void serve(std::uint64_t size) noexcept { size_ = size; }

 private:
  void on_channel(relay::Channel&) override {
    std::array<char, 16> asked;
    while (channel_.readable()) {
      const os::IoResult got = channel_.recv(asked);
      if (!got.ok() || got.bytes == 0) break;
      left_ += got.bytes * size_;
    }
    static const std::string kBlock(256_KiB, 'x');
    while (left_ != 0 && channel_.writable()) {
      const iovec piece{.iov_base = const_cast<char*>(kBlock.data()),
                        .iov_len = std::min<std::size_t>(left_, kBlock.size())};
      const os::IoResult put = channel_.send({&piece, 1}, false);
      if (!put.ok()) break;
      left_ -= put.bytes;
    }
  }

  relay::SocketChannel channel_;
  std::uint64_t size_ = 0, left_ = 0;
};

// The load thread's count of what is still to be asked for, and to come.
struct Round {
  std::uint64_t expected = 0;  // bytes of a response
  unsigned to_ask = 0, to_come = 0;
  std::function<void()> on_end;
};

// The load thread's: asks, reads, asks again.
class Client final : relay::ChannelHandler {
 public:
  Client(Round& round, std::vector<char>& scratch) : round_(round), scratch_(scratch) {}
  void attach(loop::EventLoop& loop, os::UniqueFd fd) {
    channel_.set_handler(*this);
    if (!channel_.attach(loop, std::move(fd))) fail("can't watch a socket", ENOMEM);
  }
  void ask() {
    if (round_.to_ask == 0) return;
    --round_.to_ask;
    char byte = '?';
    const iovec piece{.iov_base = &byte, .iov_len = 1};
    (void)channel_.send({&piece, 1}, false);  // one that fails is noticed by its silence
  }

 private:
  void on_channel(relay::Channel&) override {
    while (channel_.readable()) {
      const os::IoResult got = channel_.recv(scratch_);
      if (!got.ok() || got.bytes == 0) return;
      came_ += got.bytes;
      if (came_ < round_.expected) continue;
      came_ = 0;
      if (--round_.to_come == 0) return round_.on_end();
      ask();
    }
  }

  relay::SocketChannel channel_;
  Round& round_;
  std::vector<char>& scratch_;
  std::uint64_t came_ = 0;
};

// What all pairs of the calling thread share.
struct Bench {
  explicit Bench(std::shared_ptr<relay::File> the_file) : file(std::move(the_file)) {}
  loop::EventLoop loop;
  loop::Offload offload{1, 64};
  relay::Resources resources{loop, offload, {}};
  std::shared_ptr<relay::File> file;
  Trial trial;
  std::string failed;
  void give_up(std::string why) {
    failed = std::move(why);
    loop.stop();
  }
};

// The calling thread's: one exchange after the other, as a proxy or a file server has them.
class Pair final : relay::ChannelHandler, loop::Deferred {
 public:
  explicit Pair(Bench& bench) : bench_(bench) {}
  void attach(os::UniqueFd client, os::UniqueFd origin) {
    client_.set_handler(*this);
    origin_.set_handler(*this);
    if (!client_.attach(bench_.loop, std::move(client)) || !origin_.attach(bench_.loop, std::move(origin)))
      fail("can't watch a socket", ENOMEM);
  }

 private:
  enum class At : std::uint8_t { kIdle, kAsked, kSending };

  void on_channel(relay::Channel&) override { drive(); }
  void run_deferred() override { drive(); }

  void drive() {
    if (at_ == At::kIdle && client_.readable()) take_request();
    std::string_view head;
    if (at_ == At::kAsked && (file_ || origin_.readable())) {
      at_ = At::kSending;
      head = kHead;
    }
    if (at_ != At::kSending) return;
    const StepResult result =
        file_ ? file_->step(client_, kBudget, head) : stream_->step(origin_, held_, client_, kBudget, head);
    switch (result.step) {
      case Step::kMoved:
        return bench_.loop.defer(*this);
      case Step::kSourceDry:
      case Step::kSinkFull:
      case Step::kWaiting:
        return;
      case Step::kDone:
        at_ = At::kIdle;
        origin_.clear_readable();  // it has sent what was asked of it
        return;
      default:
        return bench_.give_up("a body was not delivered: " + std::generic_category().message(result.error));
    }
  }

  void take_request() {
    char byte;
    const os::IoResult got = client_.recv({&byte, 1});
    if (!got.ok() || got.bytes == 0) return;
    client_.clear_readable();  // it waits for the answer now
    const Trial& trial = bench_.trial;
    const relay::Policy policy{.force = trial.force};
    at_ = At::kAsked;
    if (trial.source == BodySource::kFile) {
      file_.emplace(bench_.resources, relay::Body{relay::FileRange{bench_.file, 0, trial.size}}, policy,
                    [this] { drive(); });
      return;
    }
    file_.reset();
    stream_.emplace(bench_.resources, relay::StreamPlan{.length = trial.size, .policy = policy});
    const iovec piece{.iov_base = &byte, .iov_len = 1};
    (void)origin_.send({&piece, 1}, false);  // one that fails is noticed by its silence
  }

  Bench& bench_;
  relay::SocketChannel client_, origin_;
  relay::Buffer held_;
  std::optional<relay::StreamTransfer> stream_;
  std::optional<relay::BodyTransfer> file_;
  At at_ = At::kIdle;
};

struct TooLong final : loop::Deadline {
  explicit TooLong(Bench& the_bench) : bench(the_bench) {}
  Bench& bench;
  void on_deadline() override { bench.give_up("the bodies stand still"); }
};

}  // namespace

struct RelayTrial::Parts {
  Parts() : bench(make_file()) {
    os::SocketOr listener = os::listen_tcp(*os::Address::parse("127.0.0.1:0"), static_cast<int>(kPairs));
    if (!listener.fd.valid()) fail("can't listen on loopback", listener.error);
    for (std::size_t i = 0; i < kPairs; ++i) {
      Connection client = connect(listener.fd.get()), origin = connect(listener.fd.get());
      clients.emplace_back(round, scratch).attach(load, std::move(client.near));
      origins.emplace_back().attach(load, std::move(origin.far));
      pairs.emplace_back(bench).attach(std::move(client.far), std::move(origin.near));
    }
    round.on_end = [this] { bench.loop.post([this] { bench.loop.stop(); }); };
    thread = std::thread([this] { load.run(); });
  }
  ~Parts() {
    load.post([this] { load.stop(); });
    thread.join();
  }

  void begin(const Trial& trial) {
    const bool file = trial.source == BodySource::kFile;
    round.expected = kHead.size() + trial.size;
    round.to_ask = round.to_come = trial.bodies;
    for (Origin& origin : origins) origin.serve(file ? 0 : trial.size);
    for (Client& client : clients) client.ask();
  }

  Bench bench;
  loop::EventLoop load;
  std::vector<char> scratch = std::vector<char>(256_KiB);
  Round round;
  std::deque<Origin> origins;
  std::deque<Client> clients;
  std::deque<Pair> pairs;
  std::thread thread;
};

RelayTrial::RelayTrial() : parts_(std::make_unique<Parts>()) {}
RelayTrial::~RelayTrial() = default;

std::chrono::nanoseconds RelayTrial::run(const Trial& trial) {
  Bench& bench = parts_->bench;
  bench.trial = trial;
  TooLong too_long(bench);
  bench.loop.deadlines().set(too_long, bench.loop.now() + kPatience);
  const std::chrono::nanoseconds before = os::thread_cpu_time();
  parts_->load.post([this, trial] { parts_->begin(trial); });
  bench.loop.run();
  if (!bench.failed.empty()) throw std::runtime_error(bench.failed);
  return (os::thread_cpu_time() - before) / trial.bodies;
}

}  // namespace sluice::app
