// Kernel TLS as a source: between records of payload stands one that is none, and what comes behind it is OpenSSL's to
// give. The body goes on by splice afterwards, and no byte is lost or moved.
#include "relay/ends.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Shape;

namespace {

// A socket that refuses to be spliced from after every `run` bytes, until `behind` more were received.
class Interrupted final : public relay::Channel {
 public:
  Interrupted(relay::Channel& below, std::size_t run, std::size_t behind)
      : below_(below), run_(run), left_(run), behind_(behind) {}

  unsigned interruptions = 0;

  bool open() const noexcept override { return below_.open(); }
  int connect_error() noexcept override { return 0; }
  void close(relay::Close how) noexcept override { below_.close(how); }
  relay::SourceKind source_kind() const noexcept override {
    return pending_ == 0 ? relay::SourceKind::kSocket : relay::SourceKind::kUserTls;
  }
  bool readable() const noexcept override { return below_.readable(); }
  void clear_readable() noexcept override { below_.clear_readable(); }
  void mark_readable() noexcept override { below_.mark_readable(); }
  bool peer_closed() const noexcept override { return below_.peer_closed(); }
  os::IoResult recv(std::span<char> into) noexcept override {
    if (pending_ != 0) into = into.first(std::min(into.size(), pending_));
    const os::IoResult got = below_.recv(into);
    if (got.ok()) pending_ -= std::min(pending_, got.bytes);
    return got;
  }
  os::IoResult splice_to(os::Pipe& pipe, std::size_t most) noexcept override {
    if (left_ == 0) {
      left_ = run_;
      pending_ = behind_;
      ++interruptions;
      return {.error = EINVAL};
    }
    const os::IoResult got = below_.splice_to(pipe, std::min(most, left_));
    if (got.ok()) left_ -= got.bytes;
    return got;
  }
  bool was_reset() const noexcept override { return below_.was_reset(); }
  bool silent() noexcept override { return below_.silent(); }
  bool failed() noexcept override { return below_.failed(); }
  relay::SinkKind sink_kind() const noexcept override { return below_.sink_kind(); }
  bool writable() const noexcept override { return below_.writable(); }
  os::IoResult send(std::span<const iovec> pieces, bool more) noexcept override {
    return below_.send(pieces, more);
  }
  os::IoResult splice_from(os::Pipe& pipe, std::size_t most) noexcept override {
    return below_.splice_from(pipe, most);
  }
  os::IoResult send_file(int file, std::uint64_t offset, std::size_t most) noexcept override {
    return below_.send_file(file, offset, most);
  }
  os::IoResult finish(std::string_view trailers) noexcept override { return below_.finish(trailers); }
  void shutdown_write() noexcept override { below_.shutdown_write(); }

 private:
  relay::Channel& below_;
  const std::size_t run_;
  std::size_t left_;
  const std::size_t behind_;
  std::size_t pending_ = 0;
};

}  // namespace

TEST_CASE("control records interrupt splicing, and do not end it", "[stream-transfer]") {
  if (!os::kernel_paths().splice) return;  // nothing to interrupt
  const Shape shape = GENERATE(Shape::kLength, Shape::kChunk, Shape::kUntilClose, Shape::kTunnel);
  const std::size_t behind = GENERATE(1UL, 16'384UL);
  const std::string body = pattern(900'000);
  std::string wire = shape == Shape::kChunk ? chunked(body, {200'000, 300, 90'000}) : body;
  const bool closes = shape == Shape::kUntilClose || shape == Shape::kTunnel;
  Worker worker;
  End source(worker, Transport::kUnix), sink(worker, Transport::kUnix);
  Interrupted interrupted(source.socket, 50'000, behind);
  relay::StreamTransfer transfer(
      worker.relay, {.in = shape, .length = body.size(), .policy = {.force = relay::Force::kNothing}});
  std::string_view left = wire;
  std::string got;
  Step step = Step::kMoved;
  for (int i = 0; i < 5000 && goes_on(step); ++i) {
    if (!left.empty()) left.remove_prefix(source.write(left));
    if (left.empty() && closes) source.finish();
    worker.turn();
    step = transfer.step(interrupted, source.held, sink.socket, 1_MiB).step;
    got += sink.read();
  }
  CHECK(step == Step::kDone);
  CHECK((got == body));
  CHECK(interrupted.interruptions >= 3);
  CHECK(transfer.choice().strategy == relay::Strategy::kSplice);
  CHECK(transfer.zero_copy() > body.size() / 4);
  CHECK(worker.idle());
}
