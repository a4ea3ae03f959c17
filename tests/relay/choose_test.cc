#include "relay/choose.h"

#include <set>
#include <string>

#include "catch.h"

using namespace sluice::relay;

namespace {

constexpr std::uint64_t kMin = 1000;

// A question with thresholds of 1000 bytes, for the table to change.
Question base(SourceKind source, Shape shape = Shape::kLength, std::optional<std::uint64_t> length = 5000) {
  return {.source = source, .shape = shape, .length = length, .splice_min = kMin, .sendfile_min = kMin};
}
Question socket(Shape shape, std::optional<std::uint64_t> length) {
  return base(SourceKind::kSocket, shape, length);
}
Question file(std::optional<std::uint64_t> length) { return base(SourceKind::kFile, Shape::kLength, length); }

template <typename Change>
Question with(Question q, Change change) {
  change(q);
  return q;
}

struct Row {
  const char* when;
  Question question;
  Choice want;
};

const std::vector<Row>& rows() {
  using S = Strategy;
  using R = Reason;
  static const std::vector<Row> kRows = {
      {"no byte to move", socket(Shape::kLength, 0), {S::kNone, R::kNoBody}},
      {"an empty file", file(0), {S::kNone, R::kNoBody}},
      {"bytes made here", base(SourceKind::kMemory), {S::kBuffered, R::kMadeHere}},
      {"length at the threshold", socket(Shape::kLength, kMin), {S::kSplice, R::kLarge}},
      {"length one below it", socket(Shape::kLength, kMin - 1), {S::kBuffered, R::kSmall}},
      {"chunk at the threshold", socket(Shape::kChunk, kMin), {S::kSplice, R::kLargeChunk}},
      {"chunk one below it", socket(Shape::kChunk, kMin - 1), {S::kBuffered, R::kSmallChunks}},
      {"until close", socket(Shape::kUntilClose, {}), {S::kSplice, R::kUntilClose}},
      {"a tunnel that streams",
       with(socket(Shape::kTunnel, {}), [](Question& q) { q.streaming = true; }),
       {S::kSplice, R::kStream}},
      {"a tunnel that does not", socket(Shape::kTunnel, {}), {S::kBuffered, R::kTrickle}},
      {"all of it came with the head",
       with(socket(Shape::kLength, 0), [](Question& q) { q.came_with_head = true; }),
       {S::kBuffered, R::kCameWithHead}},
      {"file at the threshold", file(kMin), {S::kSendfile, R::kFile}},
      {"file one below it", file(kMin - 1), {S::kBuffered, R::kSmallFile}},
      {"no pipe",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.pipe_available = false; }),
       {S::kBuffered, R::kNoPipe}},
      {"small: no pipe is missed",
       with(socket(Shape::kLength, 1), [](Question& q) { q.pipe_available = false; }),
       {S::kBuffered, R::kSmall}},
      {"the kernel refused to splice",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.kernel_refused = true; }),
       {S::kBuffered, R::kKernelRefused}},
      {"the kernel refused sendfile",
       with(file(kMin), [](Question& q) { q.kernel_refused = true; }),
       {S::kBuffered, R::kKernelRefused}},
      {"splice is not built",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.splice_built = false; }),
       {S::kBuffered, R::kPortableBuild}},
      {"sendfile is not built",
       with(file(kMin), [](Question& q) { q.sendfile_built = false; }),
       {S::kBuffered, R::kPortableBuild}},
      {"a file needs no splice",
       with(file(kMin), [](Question& q) { q.splice_built = false; }),
       {S::kSendfile, R::kFile}},
      {"a socket needs no sendfile",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.sendfile_built = false; }),
       {S::kSplice, R::kLarge}},
      {"a file needs no pipe",
       with(file(kMin), [](Question& q) { q.pipe_available = false; }),
       {S::kSendfile, R::kFile}},
      {"compressed on the way",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.sink = SinkKind::kEncoder; }),
       {S::kBuffered, R::kTransformed}},
      {"a file compressed on the way",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kEncoder; }),
       {S::kBuffered, R::kTransformed}},
      {"memory compressed on the way",
       {.source = SourceKind::kMemory, .sink = SinkKind::kEncoder},
       {S::kBuffered, R::kTransformed}},
      {"what came with the head, compressed on the way",
       with(socket(Shape::kLength, kMin),
            [](Question& q) { q.sink = SinkKind::kEncoder, q.came_with_head = true; }),
       {S::kBuffered, R::kTransformed}},
      {"compressed on the way by a portable build",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kEncoder, q.sendfile_built = false; }),
       {S::kBuffered, R::kTransformed}},
      {"nothing to compress",
       with(socket(Shape::kLength, 0), [](Question& q) { q.sink = SinkKind::kEncoder; }),
       {S::kNone, R::kNoBody}},
      {"TLS in user space",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.sink = SinkKind::kUserTls; }),
       {S::kBuffered, R::kEncrypted}},
      {"what OpenSSL encrypts says why the kernel does not",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kUserTls, q.encrypted = Reason::kKtlsCipher; }),
       {S::kBuffered, R::kKtlsCipher}},
      {"kernel TLS was wanted and is not there",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kUserTls, q.encrypted = Reason::kKtlsMissing; }),
       {S::kBuffered, R::kKtlsMissing}},
      {"kernel TLS was wanted and refused",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kUserTls, q.encrypted = Reason::kKtlsRefused; }),
       {S::kBuffered, R::kKtlsRefused}},
      {"an upload over TLS is read by OpenSSL",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.source = SourceKind::kUserTls; }),
       {S::kBuffered, R::kEncrypted}},
      {"a stream of HTTP/2 comes in frames",
       with(socket(Shape::kUntilClose, {}), [](Question& q) { q.source = SourceKind::kHttp2Stream; }),
       {S::kBuffered, R::kFramed}},
      {"kernel TLS is a socket to the relay",
       with(file(kMin), [](Question& q) { q.sink = SinkKind::kKernelTls; }),
       {S::kSendfile, R::kFile}},
      {"frames are announced, and their payload spliced",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.sink = SinkKind::kHttp2Stream; }),
       {S::kSplice, R::kLarge}},
      {"forced to copy",
       with(socket(Shape::kUntilClose, {}), [](Question& q) { q.force = Force::kBuffered; }),
       {S::kBuffered, R::kForced}},
      {"a file forced to be copied",
       with(file(kMin), [](Question& q) { q.force = Force::kBuffered; }),
       {S::kBuffered, R::kForced}},
      {"forced to splice, though small",
       with(socket(Shape::kChunk, 1), [](Question& q) { q.force = Force::kSplice; }),
       {S::kSplice, R::kForced}},
      {"a quiet tunnel forced to splice",
       with(socket(Shape::kTunnel, {}), [](Question& q) { q.force = Force::kSplice; }),
       {S::kSplice, R::kForced}},
      {"forced to splice without a pipe",
       with(socket(Shape::kLength, 1),
            [](Question& q) { q.force = Force::kSplice, q.pipe_available = false; }),
       {S::kBuffered, R::kNoPipe}},
      {"forced to sendfile, though small",
       with(file(1), [](Question& q) { q.force = Force::kSendfile; }),
       {S::kSendfile, R::kForced}},
      {"splice forces nothing for a file",
       with(file(1), [](Question& q) { q.force = Force::kSplice; }),
       {S::kBuffered, R::kSmallFile}},
      {"a file forced to be mapped, though small",
       with(file(1), [](Question& q) { q.force = Force::kMmap; }),
       {S::kMmap, R::kForced}},
      {"kernel TLS copies from a mapping, too",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.sink = SinkKind::kKernelTls; }),
       {S::kMmap, R::kForced}},
      {"a portable build maps, too",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.sendfile_built = false; }),
       {S::kMmap, R::kForced}},
      {"a file that can't be mapped",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.kernel_refused = true; }),
       {S::kBuffered, R::kKernelRefused}},
      {"OpenSSL must not read a mapping",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.sink = SinkKind::kUserTls; }),
       {S::kBuffered, R::kEncrypted}},
      {"an encoder must not either",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.sink = SinkKind::kEncoder; }),
       {S::kBuffered, R::kTransformed}},
      {"mmap forces nothing for frames, which may be kept",
       with(file(kMin), [](Question& q) { q.force = Force::kMmap, q.sink = SinkKind::kHttp2Stream; }),
       {S::kSendfile, R::kFile}},
      {"mmap forces nothing for a socket",
       with(socket(Shape::kLength, kMin), [](Question& q) { q.force = Force::kMmap; }),
       {S::kSplice, R::kLarge}},
      {"sendfile forces nothing for a socket",
       with(socket(Shape::kLength, 1), [](Question& q) { q.force = Force::kSendfile; }),
       {S::kBuffered, R::kSmall}},
      {"a small body spliced to learn what that costs",
       with(socket(Shape::kLength, kMin / 4), [](Question& q) { q.contrary = true; }),
       {S::kSplice, R::kLearning}},
      {"a large body copied to learn what that costs",
       with(socket(Shape::kLength, 4 * kMin - 1), [](Question& q) { q.contrary = true; }),
       {S::kBuffered, R::kLearning}},
      {"a small file sent by the kernel to learn what that costs",
       with(file(kMin - 1), [](Question& q) { q.contrary = true; }),
       {S::kSendfile, R::kLearning}},
      {"a large file copied to learn what that costs",
       with(file(kMin), [](Question& q) { q.contrary = true; }),
       {S::kBuffered, R::kLearning}},
      {"far below the threshold there is nothing to learn",
       with(socket(Shape::kLength, kMin / 4 - 1), [](Question& q) { q.contrary = true; }),
       {S::kBuffered, R::kSmall}},
      {"... nor far above it",
       with(socket(Shape::kLength, 4 * kMin), [](Question& q) { q.contrary = true; }),
       {S::kSplice, R::kLarge}},
      {"... nor of a threshold that is none",
       with(socket(Shape::kLength, 1), [](Question& q) { q.contrary = true, q.splice_min = 0; }),
       {S::kSplice, R::kLarge}},
      {"nor of chunks",
       with(socket(Shape::kChunk, kMin), [](Question& q) { q.contrary = true; }),
       {S::kSplice, R::kLargeChunk}},
      {"what is forced stays forced",
       with(file(kMin), [](Question& q) { q.contrary = true, q.force = Force::kSendfile; }),
       {S::kSendfile, R::kForced}},
      {"learning needs a pipe, too",
       with(socket(Shape::kLength, kMin - 1),
            [](Question& q) { q.contrary = true, q.pipe_available = false; }),
       {S::kBuffered, R::kSmall}},
  };
  return kRows;
}

}  // namespace

TEST_CASE("how a piece travels, and why", "[choose]") {
  for (const Row& row : rows()) {
    INFO(row.when);
    const Choice got = choose(row.question);
    CHECK(std::string(name_of(got.strategy)) == name_of(row.want.strategy));
    CHECK(std::string(name_of(got.reason)) == name_of(row.want.reason));
  }
}

TEST_CASE("the table has every strategy and every reason, and each has its own name", "[choose]") {
  std::set<Strategy> strategies;
  std::set<Reason> reasons;
  for (const Row& row : rows()) {
    strategies.insert(row.want.strategy);
    reasons.insert(row.want.reason);
  }
  std::set<std::string> strategy_names, reason_names;
  for (int i = 0; i <= static_cast<int>(Strategy::kMmap); ++i) {
    INFO(i);
    CHECK(strategies.contains(static_cast<Strategy>(i)));
    strategy_names.insert(name_of(static_cast<Strategy>(i)));
  }
  for (int i = 0; i <= static_cast<int>(Reason::kLearning); ++i) {
    INFO(i);
    CHECK(reasons.contains(static_cast<Reason>(i)));
    reason_names.insert(name_of(static_cast<Reason>(i)));
  }
  CHECK(strategy_names.size() == strategies.size());
  CHECK(reason_names.size() == reasons.size());
  CHECK_FALSE(reason_names.contains("?"));
  CHECK_FALSE(strategy_names.contains("?"));
}

TEST_CASE("whatever is asked, the answer keeps its promises", "[choose]") {
  long broken = 0, asked = 0;
  const auto expect = [&](bool holds, const char* promise) {
    if (holds) return;
    if (++broken <= 5) UNSCOPED_INFO("broken: " << promise);
  };
  const std::optional<std::uint64_t> lengths[] = {{}, 0, 1, kMin - 1, kMin, kMin + 1, UINT64_MAX};
  for (int source = 0; source < 5; ++source)
    for (int sink = 0; sink < 5; ++sink)
      for (int shape = 0; shape < 4; ++shape)
        for (int force = 0; force < 5; ++force)
          for (const auto& length : lengths)
            for (unsigned flags = 0; flags < 128; ++flags) {
              const auto flag = [&](unsigned bit) { return (flags >> bit & 1U) != 0; };
              const Question q{.source = static_cast<SourceKind>(source),
                               .sink = static_cast<SinkKind>(sink),
                               .shape = static_cast<Shape>(shape),
                               .length = length,
                               .came_with_head = flag(0),
                               .streaming = flag(1),
                               .pipe_available = flag(2),
                               .kernel_refused = flag(3),
                               .splice_built = flag(4),
                               .sendfile_built = flag(5),
                               .force = static_cast<Force>(force),
                               .splice_min = kMin,
                               .sendfile_min = kMin,
                               .contrary = flag(6)};
              Question as_usual = q;
              as_usual.contrary = false;
              const Choice c = choose(q);
              ++asked;
              const bool kernel = c.strategy == Strategy::kSplice || c.strategy == Strategy::kSendfile;
              expect(c == choose(q), "the same question has the same answer");
              expect(std::string(name_of(c.reason)) != "?", "every answer can be printed");
              expect((c.strategy == Strategy::kNone) == (c.reason == Reason::kNoBody),
                     "only no body travels no way");
              expect((q.length == 0U && !q.came_with_head) == (c.strategy == Strategy::kNone),
                     "length 0 is none");
              expect(c.strategy != Strategy::kSplice || q.source == SourceKind::kSocket,
                     "only sockets are spliced");
              expect(c.strategy != Strategy::kSendfile || q.source == SourceKind::kFile,
                     "only files go by sendfile");
              const bool mapped = c.strategy == Strategy::kMmap;
              expect(!mapped || q.source == SourceKind::kFile, "only files are mapped");
              expect(!mapped || q.force == Force::kMmap, "nothing is mapped unless forced");
              expect(!mapped || q.sink == SinkKind::kPlainSocket || q.sink == SinkKind::kKernelTls,
                     "only the kernel reads a mapping");
              expect(!mapped || !q.kernel_refused, "what can't be mapped is not");
              expect(c.strategy != Strategy::kSplice || q.splice_built, "no splice that is not built");
              expect(c.strategy != Strategy::kSendfile || q.sendfile_built, "no sendfile that is not built");
              expect(c.strategy != Strategy::kSplice || q.pipe_available, "no splice without a pipe");
              expect(!kernel || !q.kernel_refused, "what was refused is not tried again");
              expect(!kernel || q.sink != SinkKind::kEncoder, "what must be seen is copied");
              expect(q.sink != SinkKind::kEncoder || c.strategy == Strategy::kNone ||
                         c.reason == Reason::kTransformed,
                     "what is transformed says so");
              expect(!kernel || q.sink != SinkKind::kUserTls, "what must be encrypted here is copied");
              expect(!kernel || q.force != Force::kBuffered, "forced to copy is copied");
              expect(c.strategy != Strategy::kSplice || !q.came_with_head, "what is here is not spliced");
              expect(c.reason != Reason::kNoPipe || !q.pipe_available,
                     "no-pipe is said only when there is none");
              expect(c.reason != Reason::kForced || q.force != Force::kNothing,
                     "forced is said only when it is");
              expect(c.strategy != Strategy::kSplice || q.force == Force::kSplice ||
                         c.reason == Reason::kLearning || q.length.value_or(kMin) >= kMin,
                     "nothing small is spliced unless forced, or to learn");
              const Reason usual = choose(as_usual).reason;
              expect(c.reason != Reason::kLearning || (q.contrary && q.force == Force::kNothing),
                     "nothing is learnt where nobody asked, nor against the operator");
              expect(c == choose(as_usual) || usual == Reason::kSmall || usual == Reason::kLarge ||
                         usual == Reason::kSmallFile || usual == Reason::kFile,
                     "only the thresholds are put to the test");
            }
  INFO(asked << " questions");
  CHECK(broken == 0);
}
