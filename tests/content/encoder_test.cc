#include "content/encoder.h"

#include <random>
#include <string>

#include "catch.h"
#include "content/decoders.h"
#include "relay/ends.h"

namespace sluice::content {
namespace {

using config::Coding;

// Takes what the test allows, and remembers it.
class Wire final : public relay::Channel {
 public:
  std::string got;
  std::size_t room = std::string::npos;  // 0: EAGAIN, and not writable until allow()
  std::size_t most = std::string::npos;  // in one call: short counts
  int error = 0;                         // of every call from now on
  unsigned calls = 0;
  std::string finished_with = "not yet";

  void allow(std::size_t n) { room = n, writable_ = n != 0; }

  [[nodiscard]] bool writable() const noexcept override { return writable_; }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override {
    ++calls;
    if (more) got += "MORE?";
    if (error != 0) return {.error = error};
    if (room == 0) {
      writable_ = false;
      return {.error = EAGAIN};
    }
    std::size_t taken = 0;
    for (const iovec& piece : pieces) {
      const std::size_t n = std::min({piece.iov_len, room - taken, most - taken});
      got.append(static_cast<const char*>(piece.iov_base), n);
      taken += n;
    }
    room -= room == std::string::npos ? 0 : taken;
    return {.bytes = taken};
  }
  os::IoResult finish(std::string_view trailers) noexcept override {
    finished_with = trailers;
    return {};
  }
  [[nodiscard]] relay::SinkKind sink_kind() const noexcept override { return relay::SinkKind::kPlainSocket; }
  os::IoResult splice_from(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  os::IoResult send_file(int, std::uint64_t, std::size_t) noexcept override { return {.error = EINVAL}; }
  void shutdown_write() noexcept override {}
  [[nodiscard]] bool open() const noexcept override { return true; }
  [[nodiscard]] int connect_error() noexcept override { return 0; }
  void close(relay::Close) noexcept override {}
  [[nodiscard]] relay::SourceKind source_kind() const noexcept override { return relay::SourceKind::kSocket; }
  [[nodiscard]] bool readable() const noexcept override { return false; }
  void clear_readable() noexcept override {}
  void mark_readable() noexcept override {}
  [[nodiscard]] bool peer_closed() const noexcept override { return false; }
  os::IoResult recv(std::span<char>) noexcept override { return {.error = EAGAIN}; }
  os::IoResult splice_to(os::Pipe&, std::size_t) noexcept override { return {.error = EINVAL}; }
  [[nodiscard]] bool was_reset() const noexcept override { return false; }
  [[nodiscard]] bool silent() noexcept override { return true; }
  [[nodiscard]] bool failed() noexcept override { return false; }

 private:
  bool writable_ = true;
};

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Stage {
  explicit Stage(Coding coding, bool chunked = true, std::size_t block = 4096)
      : blocks(block, 2),
        encoder(wire, blocks, compressors.take(coding, 0, {}), chunked, chunked ? kHead : "") {}

  os::IoResult send(std::string_view text) {
    const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    return encoder.send({&piece, 1}, false);
  }

  Wire wire;
  relay::BufferPool blocks;
  Compressors compressors;
  Encoder encoder;
};

// What a client makes of the wire: the coded payload.
std::string payload_of(const std::string& wire, bool chunked) {
  if (!chunked) return wire;
  REQUIRE(wire.starts_with(kHead));
  return testing::unchunk(std::string_view(wire).substr(kHead.size())).body;
}

TEST_CASE("a small body is one call: head, one chunk, the end", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  Stage stage(coding);
  const std::string body = testing::pattern(3000);
  CHECK(stage.send(body).bytes == body.size());
  CHECK(stage.encoder.finish("a: b\r\n").ok());
  CHECK(stage.wire.calls == 1);
  CHECK(stage.wire.finished_with.empty());  // the last chunk has them
  const testing::Unchunked got = testing::unchunk(std::string_view(stage.wire.got).substr(kHead.size()));
  CHECK(got.complete);
  CHECK(got.chunks == 1);
  CHECK(got.trailers == "a: b\r\n");
  const testing::Decoded decoded = testing::decode(coding, got.body);
  CHECK(decoded.whole);
  CHECK((decoded.text == body));
  CHECK(stage.encoder.delivered() == got.body.size());
  CHECK(stage.encoder.written() == stage.wire.got.size());
  CHECK(stage.blocks.in_use() == 0);
}

TEST_CASE("a sink that frames by itself gets the coded payload and the trailers", "[coding]") {
  Stage stage(Coding::kGzip, false);
  CHECK(stage.send("hello").bytes == 5);
  CHECK(stage.encoder.finish("a: b\r\n").ok());
  CHECK(testing::gunzip(stage.wire.got).text == "hello");
  CHECK(testing::gunzip(stage.wire.got).whole);
  CHECK(stage.wire.finished_with == "a: b\r\n");
}

TEST_CASE("an empty body is coded, too", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  Stage stage(coding);
  CHECK(stage.encoder.finish({}).ok());
  const testing::Unchunked got = testing::unchunk(std::string_view(stage.wire.got).substr(kHead.size()));
  CHECK(got.complete);
  CHECK(testing::decode(coding, got.body).whole);
}

TEST_CASE("when the source rests, all that was given can be decoded, and no memory is held", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  const bool chunked = GENERATE(true, false);
  Stage stage(coding, chunked);
  std::string given;
  CHECK(stage.encoder.rest(true).ok());
  CHECK(stage.wire.got == (chunked ? kHead : ""));  // the head does not wait for a body
  for (int i = 0; i < 20; ++i) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    given += event;
    CHECK(stage.send(event).ok());
    CHECK(stage.encoder.rest(true).ok());
    CHECK(testing::decode(coding, payload_of(stage.wire.got, chunked)).text == given);
    CHECK(stage.blocks.in_use() == 0);
    const std::size_t size = stage.wire.got.size();
    CHECK(stage.encoder.rest(true).ok());  // a second time there is nothing to say
    CHECK(stage.wire.got.size() == size);
  }
}

TEST_CASE("a rest without a flush sends what came out, and breaks no repetition", "[coding]") {
  Stage stage(Coding::kGzip);
  CHECK(stage.send(testing::pattern(100)).ok());
  CHECK(stage.encoder.rest(false).ok());
  CHECK(stage.blocks.in_use() == 0);
  CHECK(stage.wire.got.size() < kHead.size() + 20);
}

TEST_CASE("whatever the sink takes, the bytes are the bytes", "[coding]") {
  const Coding coding = GENERATE(Coding::kZstd, Coding::kBrotli, Coding::kGzip);
  const bool chunked = GENERATE(true, false);
  const unsigned seed = GENERATE(range(1U, 25U));
  CAPTURE(static_cast<int>(coding), chunked, seed);
  std::mt19937 random(seed);
  Stage stage(coding, chunked, seed % 2 == 0 ? 4096 : 65536);
  stage.wire.most = seed % 3 == 0 ? 1 + random() % 3000 : std::string::npos;
  // Noise between the text, so that much comes out, too.
  const std::string body =
      testing::pattern(60'000 + seed) + std::string(40'000, 'a') + testing::pattern(9000, 8);
  std::size_t at = 0;
  bool done = false, resting = false;
  for (int turns = 0; !done; ++turns) {
    REQUIRE(turns < 100'000);
    if (!stage.wire.writable()) stage.wire.allow(1 + random() % (seed % 5 == 0 ? 40 : 20'000));
    if (stage.wire.room == std::string::npos) stage.wire.allow(random() % 5000);
    os::IoResult put;
    if (resting) {
      put = stage.encoder.rest(random() % 2 == 0);
      resting = put.would_block() && random() % 2 == 0;  // else the source has something again
      REQUIRE((put.ok() || put.would_block()));
    } else if (at < body.size()) {
      const std::size_t n = std::min<std::size_t>(body.size() - at, 1 + random() % 30'000);
      put = stage.send(std::string_view(body).substr(at, n));
      REQUIRE((put.ok() || put.would_block()));
      if (put.ok()) {
        REQUIRE(put.bytes != 0);
        at += put.bytes;
        resting = random() % 3 == 0;
      }
    } else {
      put = stage.encoder.finish({});
      done = put.ok();
    }
    if (put.would_block()) REQUIRE_FALSE(stage.encoder.writable());
    REQUIRE(stage.blocks.in_use() <= 1);
  }
  const std::string coded = payload_of(stage.wire.got, chunked);
  const testing::Decoded decoded = testing::decode(coding, coded);
  CHECK(decoded.whole);
  CHECK((decoded.text == body));
  CHECK(stage.encoder.delivered() == coded.size());
  CHECK(stage.encoder.written() == stage.wire.got.size());
  CHECK(stage.blocks.in_use() == 0);
}

TEST_CASE("a sink that failed is told by the next call at the latest, and nothing looks like the end",
          "[coding]") {
  Stage stage(Coding::kGzip);
  CHECK(stage.send("hello").ok());
  stage.wire.error = EPIPE;
  CHECK(stage.encoder.rest(true).error == EPIPE);
  CHECK(stage.encoder.finish({}).error == EPIPE);
  CHECK(stage.wire.finished_with == "not yet");
  CHECK(stage.wire.got.empty());
}

TEST_CASE("a full sink is not filled further", "[coding]") {
  Stage stage(Coding::kGzip);
  stage.wire.allow(0);
  const std::string body = testing::pattern(1'000'000);
  const os::IoResult put = stage.send(body);
  CHECK(put.ok());
  CHECK(put.bytes < 300'000);  // a block, and what zlib holds
  CHECK(stage.send(std::string_view(body).substr(put.bytes)).would_block());
  CHECK(stage.blocks.in_use() == 1);
}

}  // namespace
}  // namespace sluice::content
