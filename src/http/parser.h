// Strict, incremental HTTP/1 head parser. Bytes in, a Head out; no I/O, no allocation.
//
// Feed it the same growing buffer: it goes on where it stopped, so n bytes cost O(n) however they arrive.
// Offsets are relative to the buffer's first byte; the buffer may move between calls, its content may not change.
// Errors   a Verdict; parsing stops for good. As soon as a line is complete it is judged, so rubbish is refused
//          before the head ends.
// Rules    RFC 9112 sections 2 to 5 and 11; lines end in CRLF only; obs-fold, bare CR or LF, NUL, white space
//          before the colon are refused. Empty lines before a request line are skipped (2.2), at most 4 of them.
// Thread   any; plain data.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/head.h"
#include "http/verdict.h"

namespace sluice::http {

enum class Parse : std::uint8_t { kIncomplete, kDone, kRefused };

struct HeadLimits {
  std::size_t head = 16384;   // bytes; at most 65535
  std::size_t target = 8192;  // bytes
  std::size_t fields = kMaxFields;
};

// The part that both heads share.
class HeadParser {
 public:
  // True until the first byte of a head (after skipped empty lines) has been seen.
  [[nodiscard]] bool idle() const noexcept { return line_at_ == seen_ && !started_; }
  [[nodiscard]] Verdict verdict() const noexcept { return verdict_; }

 protected:
  // ... implementation members: where the current line begins, how far it was searched, limits
  std::size_t line_at_ = 0;
  std::size_t seen_ = 0;
  bool started_ = false;
  Verdict verdict_ = Verdict::kOk;
  HeadLimits limits_;
};

class RequestParser : public HeadParser {
 public:
  explicit RequestParser(const HeadLimits& limits) noexcept { limits_ = limits; }
  void reset() noexcept;  // ready for the next request
  // `bytes` begins at the first byte of the request, always. kDone: head() is complete and head().size() bytes
  // of `bytes` were used (skipped empty lines included).
  Parse parse(std::string_view bytes) noexcept;
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }

 private:
  RequestHead head_;
};

class ResponseParser : public HeadParser {
 public:
  explicit ResponseParser(const HeadLimits& limits) noexcept { limits_ = limits; }
  void reset() noexcept;
  Parse parse(std::string_view bytes) noexcept;
  [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }

 private:
  ResponseHead head_;
};

}  // namespace sluice::http
