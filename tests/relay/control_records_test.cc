// Kernel TLS as a source: between records of payload stands one that is none, and what comes behind it is OpenSSL's to
// give. The body goes on by splice afterwards, and no byte is lost or moved.
#include "relay/ends.h"
#include "relay/wrapped_channel.h"

using namespace sluice;
using namespace sluice::testing;
using relay::Shape;

namespace {

// A socket that refuses to be spliced from after every `run` bytes, until `behind` more were received.
class Interrupted final : public WrappedChannel {
 public:
  Interrupted(relay::Channel& below, std::size_t run, std::size_t behind)
      : WrappedChannel(below), run_(run), left_(run), behind_(behind) {}

  unsigned interruptions = 0;

  relay::SourceKind source_kind() const noexcept override {
    return pending_ == 0 ? relay::SourceKind::kSocket : relay::SourceKind::kUserTls;
  }
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

 private:
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
