#include "relay/choose.h"

namespace sluice::relay {

const char* name_of(Strategy strategy) noexcept {
  switch (strategy) {
    case Strategy::kNone:
      return "none";
    case Strategy::kBuffered:
      return "buffered";
    case Strategy::kSplice:
      return "splice";
    case Strategy::kSendfile:
      return "sendfile";
    case Strategy::kMmap:
      return "mmap";
  }
  return "?";
}

const char* name_of(Reason reason) noexcept {
  switch (reason) {
    case Reason::kNoBody:
      return "no-body";
    case Reason::kMadeHere:
      return "made-here";
    case Reason::kCameWithHead:
      return "came-with-head";
    case Reason::kSmall:
      return "small";
    case Reason::kLarge:
      return "large";
    case Reason::kLargeChunk:
      return "large-chunk";
    case Reason::kSmallChunks:
      return "small-chunks";
    case Reason::kUntilClose:
      return "until-close";
    case Reason::kStream:
      return "stream";
    case Reason::kTrickle:
      return "trickle";
    case Reason::kFile:
      return "file";
    case Reason::kSmallFile:
      return "small-file";
    case Reason::kForced:
      return "forced";
    case Reason::kNoPipe:
      return "no-pipe";
    case Reason::kKernelRefused:
      return "kernel-refused";
    case Reason::kPortableBuild:
      return "portable-build";
    case Reason::kTransformed:
      return "transformed";
    case Reason::kEncrypted:
      return "encrypted";
    case Reason::kKtlsMissing:
      return "ktls-missing";
    case Reason::kKtlsCipher:
      return "ktls-cipher";
    case Reason::kKtlsRefused:
      return "ktls-refused";
    case Reason::kFramed:
      return "framed";
    case Reason::kLearning:
      return "learning";
  }
  return "?";
}

namespace {

// What rules the kernel's help out altogether, in the order a reader would ask. kLarge stands for "nothing".
constexpr Reason kNothing = Reason::kLarge;

Reason obstacle(const Question& q, bool built) noexcept {
  if (!built) return Reason::kPortableBuild;
  if (q.source == SourceKind::kUserTls || q.sink == SinkKind::kUserTls) return q.encrypted;
  if (q.source == SourceKind::kHttp2Stream) return Reason::kFramed;
  if (q.kernel_refused) return Reason::kKernelRefused;
  return kNothing;
}

// A mapping may be shortened at any time. The kernel says so when it copies from one (EFAULT); whoever reads it here, or
// keeps it for later (OpenSSL, the frames of HTTP/2), gets SIGBUS. So it takes a sink that hands it to the kernel at once.
bool sends_at_once(SinkKind sink) noexcept {
  return sink == SinkKind::kPlainSocket || sink == SinkKind::kKernelTls;
}

// What lies within a factor of four of the threshold tells whether it stands right.
bool goes_contrary(const Question& q, std::uint64_t least) noexcept {
  return q.contrary && q.force == Force::kNothing && q.sink == SinkKind::kPlainSocket &&
         q.length.has_value() && *q.length >= least / 4 && *q.length / 4 < least;
}

Choice choose_file(const Question& q) noexcept {
  if (q.force == Force::kMmap && sends_at_once(q.sink)) {  // which any build and any kernel has
    if (q.kernel_refused) return {Strategy::kBuffered, Reason::kKernelRefused};
    return {Strategy::kMmap, Reason::kForced};
  }
  if (const Reason why = obstacle(q, q.sendfile_built); why != kNothing) return {Strategy::kBuffered, why};
  if (q.force == Force::kSendfile) return {Strategy::kSendfile, Reason::kForced};
  // A file can't be spliced to a socket without sendfile's own splice, so forcing splice forces nothing here.
  if (q.force == Force::kBuffered) return {Strategy::kBuffered, Reason::kForced};
  const bool small = q.length.value_or(q.sendfile_min) < q.sendfile_min;
  if (goes_contrary(q, q.sendfile_min))
    return {small ? Strategy::kSendfile : Strategy::kBuffered, Reason::kLearning};
  if (small) return {Strategy::kBuffered, Reason::kSmallFile};
  return {Strategy::kSendfile, Reason::kFile};
}

Choice choose_socket(const Question& q) noexcept {
  if (q.came_with_head) return {Strategy::kBuffered, Reason::kCameWithHead};
  if (const Reason why = obstacle(q, q.splice_built); why != kNothing) return {Strategy::kBuffered, why};
  if (q.force == Force::kBuffered) return {Strategy::kBuffered, Reason::kForced};
  const bool forced = q.force == Force::kSplice;
  const bool contrary = q.shape == Shape::kLength && goes_contrary(q, q.splice_min);
  if (!forced) {
    if (q.shape == Shape::kTunnel && !q.streaming) return {Strategy::kBuffered, Reason::kTrickle};
    const bool small = q.length.has_value() && *q.length < q.splice_min;
    if (contrary && q.pipe_available)
      return {small ? Strategy::kSplice : Strategy::kBuffered, Reason::kLearning};
    if (small) return {Strategy::kBuffered, q.shape == Shape::kChunk ? Reason::kSmallChunks : Reason::kSmall};
  }
  if (!q.pipe_available) return {Strategy::kBuffered, Reason::kNoPipe};
  if (forced) return {Strategy::kSplice, Reason::kForced};
  switch (q.shape) {
    case Shape::kLength:
      return {Strategy::kSplice, Reason::kLarge};
    case Shape::kChunk:
      return {Strategy::kSplice, Reason::kLargeChunk};
    case Shape::kUntilClose:
      return {Strategy::kSplice, Reason::kUntilClose};
    case Shape::kTunnel:
      return {Strategy::kSplice, Reason::kStream};
  }
  return {Strategy::kBuffered, Reason::kSmall};
}

}  // namespace

Choice choose(const Question& q) noexcept {
  if (q.length == 0U && !q.came_with_head) return {Strategy::kNone, Reason::kNoBody};
  if (q.sink == SinkKind::kEncoder) return {Strategy::kBuffered, Reason::kTransformed};
  switch (q.source) {
    case SourceKind::kMemory:
      return {Strategy::kBuffered, Reason::kMadeHere};
    case SourceKind::kFile:
      return choose_file(q);
    case SourceKind::kSocket:
    case SourceKind::kUserTls:
    case SourceKind::kHttp2Stream:
      return choose_socket(q);
  }
  return {Strategy::kBuffered, Reason::kMadeHere};
}

}  // namespace sluice::relay
