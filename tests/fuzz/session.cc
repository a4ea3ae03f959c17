// A client's bytes into the server's side of an HTTP/2 connection whose transport is memory: whatever comes, requests
// are whole heads, what goes out are whole frames in an order that the protocol knows, and nothing is left behind.
//
// The first byte of an input tells how it is cut and how much the transport takes at a time; the preface is added.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzz/heads.h"
#include "http2/session.h"
#include "http2/stream.h"

namespace sluice::fuzz {
namespace {

using relay::Channel;

constexpr std::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

// Takes `most` bytes a call, and after each call that took any it is full until the next turn.
class Memory final : public Channel {
 public:
  explicit Memory(std::size_t most) : most_(most) {}

  void arrive(std::string_view bytes, bool end) {
    in_ += bytes;
    ended_ = ended_ || end;
    readable_ = writable_ = true;
    tell_handler();
  }
  void make_room() {
    writable_ = true;
    tell_handler();
  }
  [[nodiscard]] const std::string& sent() const noexcept { return out_; }

  [[nodiscard]] bool open() const noexcept override { return true; }
  [[nodiscard]] int connect_error() noexcept override { return 0; }
  void close(relay::Close) noexcept override {}
  [[nodiscard]] relay::SourceKind source_kind() const noexcept override { return relay::SourceKind::kSocket; }
  [[nodiscard]] bool readable() const noexcept override { return readable_; }
  void clear_readable() noexcept override { readable_ = false; }
  void mark_readable() noexcept override { readable_ = true; }
  [[nodiscard]] bool peer_closed() const noexcept override { return ended_; }
  os::IoResult recv(std::span<char> into) noexcept override {
    const std::size_t n = std::min(into.size(), in_.size());
    if (n == 0 && ended_) return {};
    if (n == 0) return readable_ = false, os::IoResult{.error = EAGAIN};
    in_.copy(into.data(), n);
    in_.erase(0, n);
    return {.bytes = n};
  }
  os::IoResult splice_to(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  [[nodiscard]] bool was_reset() const noexcept override { return false; }
  [[nodiscard]] bool silent() noexcept override { return in_.empty() && !ended_; }
  [[nodiscard]] bool failed() noexcept override { return false; }

  [[nodiscard]] relay::SinkKind sink_kind() const noexcept override { return relay::SinkKind::kPlainSocket; }
  [[nodiscard]] bool writable() const noexcept override { return writable_; }
  os::IoResult send(std::span<const iovec> pieces, bool) noexcept override {
    if (!writable_) return {.error = EAGAIN};
    std::size_t taken = 0;
    for (const iovec& piece : pieces) {
      const std::size_t n = std::min(piece.iov_len, most_ - taken);
      out_.append(static_cast<const char*>(piece.iov_base), n);
      taken += n;
      if (n < piece.iov_len) writable_ = false;
    }
    return taken == 0 ? os::IoResult{.error = EAGAIN} : os::IoResult{.bytes = taken};
  }
  os::IoResult splice_from(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  os::IoResult send_file(int, std::uint64_t, std::size_t) noexcept override { return {.error = EINVAL}; }
  os::IoResult finish(std::string_view) noexcept override { return {}; }
  void shutdown_write() noexcept override {}

 private:
  const std::size_t most_;
  std::string in_, out_;
  bool readable_ = false, writable_ = true, ended_ = false;
};

// Answers each request with what its body was, and then some.
class Answering final : public relay::ChannelHandler {
 public:
  Answering() { stream.set_handler(*this); }
  http2::Stream stream;
  std::string head, body;
  bool over = false;

  void on_channel(Channel&) override {
    if (over) return;
    if (!begun_) {
      begun_ = true;
      relay::Buffer text = stream.take_head();
      head.assign(text.data(), text.size());
      check_head();
    }
    char bytes[1000];
    for (;;) {
      const os::IoResult got = stream.recv(bytes);
      if (got.would_block()) return;
      if (!got.ok()) return finish(relay::Close::kCut);
      if (got.bytes == 0) break;
      body.append(bytes, got.bytes);
    }
    answer();
  }

 private:
  void check_head() const {
    if (stream.fault() != http2::Fault::kNone) return require(head.empty(), "a fault has no head");
    const auto naive = read_naively(head, true);
    require(naive && naive->size == head.size(), "a request is one whole head");
  }
  void answer() {
    if (!answered_) {
      answered_ = true;
      if (!stream.send_head("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", http2::Follows::kAnotherHead))
        return finish(relay::Close::kCut);
      if (!stream.send_head("HTTP/1.1 200 OK\r\nserver: fuzz\r\n\r\n", http2::Follows::kBody))
        return finish(relay::Close::kCut);
      answer_ = body + std::string(3000, 'x');
    }
    while (!answer_.empty()) {
      const iovec piece{answer_.data(), answer_.size()};
      const os::IoResult put = stream.send({&piece, 1}, false);
      if (put.would_block()) return;
      if (!put.ok()) return finish(relay::Close::kCut);
      require(put.bytes != 0 && put.bytes <= answer_.size(), "a sink takes some, or says so");
      answer_.erase(0, put.bytes);
    }
    const os::IoResult put = stream.finish("x-sum: 1\r\n");
    if (put.would_block()) return;
    finish(put.ok() ? relay::Close::kClean : relay::Close::kCut);
  }
  void finish(relay::Close how) {
    over = true;
    stream.close(how);
  }

  std::string answer_;
  bool begun_ = false, answered_ = false;
};

class Server final : public http2::SessionHandler {
 public:
  http2::Stream* new_stream() override {
    all.push_back(std::make_unique<Answering>());
    return &all.back()->stream;
  }
  void on_session(http2::Session&) override {}
  std::vector<std::unique_ptr<Answering>> all;
};

// The frames that went out: whole ones, each where it may stand.
void check_sent(std::string_view out) {
  std::map<unsigned, bool> streams;  // whether their END_STREAM went out
  std::set<unsigned> begun;
  unsigned block_of = 0;
  bool first = true;
  while (!out.empty()) {
    require(out.size() >= 9, "a frame has a whole head");
    const auto byte = [&](std::size_t i) {
      return static_cast<unsigned>(static_cast<unsigned char>(out[i]));
    };
    const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
    const unsigned type = byte(3), flags = byte(4),
                   stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
    require(out.size() >= 9 + length, "a frame is whole");
    require(!first || type == 4, "SETTINGS come first");
    require(block_of == 0 || (type == 9 && stream == block_of), "nothing cuts a field block");
    first = false;
    if (type == 0 || type == 1) {
      require(!streams[stream], "nothing stands behind END_STREAM");
      require(type == 1 || begun.contains(stream), "DATA stand behind a head");
      begun.insert(stream);
      streams[stream] = (flags & 1) != 0;
    }
    if (type == 1 || type == 9) block_of = (flags & 4) != 0 ? 0 : stream;
    require(type != 5, "nothing is pushed");
    if (type == 3) streams[stream] = true;
    out.remove_prefix(9 + length);
  }
  require(block_of == 0, "a field block is whole");
}

struct Loop {
  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  relay::Resources relay{loop, offload, {}};
  void turn() {
    loop.post([this] { loop.post([this] { loop.stop(); }); });
    loop.run();
  }
};

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  if (size == 0) return 0;
  static Loop loop;
  static constexpr std::size_t kCuts[] = {65536, 1, 7, 100}, kTakes[] = {1 << 20, 1, 13, 4000};
  const std::size_t cut = kCuts[data[0] & 3], most = kTakes[data[0] >> 2 & 3];
  std::string text(kPreface);
  text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  {
    Memory transport(most);
    Server server;  // streams go before their session
    sluice::http2::Session session(loop.relay, transport, server, {.head = 2048, .streams = 8});
    session.begin({});
    for (std::size_t at = 0; at < text.size() && !session.ended(); at += cut) {
      transport.arrive(std::string_view(text).substr(at, cut),
                       at + cut >= text.size() && (data[0] & 16) != 0);
      if (at % 64 == 0) loop.turn();
    }
    // Until it has said all.
    for (std::size_t before = 1, turns = 0; before != transport.sent().size() && turns < 100000; ++turns) {
      before = transport.sent().size();
      loop.turn();
      if (!session.ended()) transport.make_room();
    }
    require(!session.output_waits() || session.ended(), "what has room goes out");
    if (!session.output_waits()) check_sent(transport.sent());
    for (const auto& each : server.all) each->stream.close(sluice::relay::Close::kCut);
  }
  loop.turn();
  require(loop.relay.buffers_in_use() == 0, "nothing is left behind");
  return 0;
}
