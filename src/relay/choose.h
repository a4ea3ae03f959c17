// How a piece of a body travels, and why. The relay's one decision, pure and total.
#pragma once

#include <cstdint>
#include <optional>

namespace sluice::relay {

enum class Strategy : std::uint8_t { kNone, kBuffered, kSplice, kSendfile, kMmap };

// Printed in the access log ("why"), the counters and the Server-Timing header.
enum class Reason : std::uint8_t {
  kNoBody,         // HEAD, 204, 304, or a length of 0
  kMadeHere,       // the bytes are in user memory already
  kCameWithHead,   // the whole body was read together with its head
  kSmall,          // below the threshold: two copies cost less than the calls they would save
  kLarge,          // length known, at or above the threshold
  kLargeChunk,     // chunked, with chunks at or above the threshold
  kSmallChunks,    // chunked, all chunks below it: copied and coalesced
  kUntilClose,     // no length: streams are taken to be long
  kStream,         // a tunnel that fills whole reads
  kTrickle,        // a tunnel or stream that moves little at a time
  kFile,           // a file range at or above the threshold
  kSmallFile,      // a file range below it
  kForced,         // the configuration says so
  kNoPipe,         // no pipe could be had: later bodies try again
  kKernelRefused,  // splice or sendfile answered EINVAL or ENOSYS here
  kPortableBuild,  // this build uses neither
  kTransformed,    // the bytes must be seen (compression)
  kEncrypted,      // user-space TLS: kernel TLS was not asked for
  kKtlsMissing,    // ... it was, but this kernel or OpenSSL has none
  kKtlsCipher,     // ... but the kernel does not know the cipher that was agreed on
  kKtlsRefused,    // ... but the kernel refused this connection
  kFramed,         // an HTTP/2 stream as the source: its frames are taken apart in user memory
  kLearning,       // against the threshold, to learn what the other path costs: see learner.h
};

const char* name_of(Strategy strategy) noexcept;  // "none", "buffered", "splice", "sendfile", "mmap"
const char* name_of(Reason reason) noexcept;      // "no-body", "large", ...

// A socket is one whose bytes the kernel hands out as they are: plain, or with its receiving side in kernel TLS.
enum class SourceKind : std::uint8_t { kMemory, kFile, kSocket, kUserTls, kHttp2Stream };
enum class SinkKind : std::uint8_t {
  kPlainSocket,
  kKernelTls,    // the kernel encrypts: to the relay it is a socket
  kHttp2Stream,  // over either: payload is announced frame by frame, and still goes by the kernel
  kUserTls,      // OpenSSL encrypts; also a stream of HTTP/2 over it
  kEncoder,      // the bytes are changed on the way
};
enum class Shape : std::uint8_t {
  kLength,
  kChunk,
  kUntilClose,
  kTunnel
};  // how a socket source tells its end
enum class Force : std::uint8_t { kNothing, kBuffered, kSplice, kSendfile, kMmap };

struct Question {
  SourceKind source = SourceKind::kSocket;
  SinkKind sink = SinkKind::kPlainSocket;
  Shape shape = Shape::kLength;
  std::optional<std::uint64_t> length =
      {};                                 // bytes of this piece still to come from the source; empty: unknown
  bool came_with_head = false;            // all of it is in user memory already
  Reason encrypted = Reason::kEncrypted;  // why OpenSSL does it and not the kernel, where one end is kUserTls
  bool streaming = false;                 // kTunnel: recent reads were full
  bool pipe_available = true;
  bool kernel_refused = false;  // tried in this body, and refused
  bool splice_built = true, sendfile_built = true;
  Force force = Force::kNothing;
  std::uint64_t splice_min = 0, sendfile_min = 0;
  bool contrary = false;  // near the threshold, take the other side of it
};

struct Choice {
  Strategy strategy = Strategy::kNone;
  Reason reason = Reason::kNoBody;
  friend bool operator==(const Choice&, const Choice&) = default;
};

Choice choose(const Question& question) noexcept;

}  // namespace sluice::relay
