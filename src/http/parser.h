// Strict, incremental HTTP/1 head parser. Bytes in, a Head out; no I/O, no allocation.
//
// Feed it the same growing buffer: it goes on where it stopped, so n bytes cost O(n) however they arrive.
// Offsets are relative to the buffer's first byte; the buffer may move between calls, its content may not
// change.
// Errors   a Verdict; parsing stops for good. Every byte is judged when it is seen, so rubbish is
// refused before
//          its line ends, and the verdict does not depend on how the bytes were cut.
// Rules    RFC 9112 sections 2 to 5 and 11; lines end in CRLF only; obs-fold, bare CR or LF, NUL, white space
//          before the colon are refused. Empty lines before a request line are skipped (2.2), at most 4 of
//          them.
// Thread   any; plain data: a copy goes on where the original stood.
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
  [[nodiscard]] bool idle() const noexcept { return !started_; }
  [[nodiscard]] Verdict verdict() const noexcept { return verdict_; }

 protected:
  // What is read next. Bytes run out in any of these, and the next call goes on there.
  //
  //  request   kEmptyLine -> kMethod -> kTarget -> kVersion -.
  //  response  kStatusVersion -> kStatus -> kReason ---------+-> kLineEnd -> kFieldStart -> kHeadEnd -> kDone
  //                                                                ^            v
  //                                                                '- kValue <- kValueStart <- kName
  enum class At : std::uint8_t {
    kEmptyLine,      // the request's first byte, or the CR of an empty line before it
    kEmptyLineEnd,   // the LF of that line
    kMethod,         // up to the space
    kTarget,         // up to the space
    kVersion,        // "HTTP/1." DIGIT
    kVersionEnd,     // the CR after it
    kStatusVersion,  // "HTTP/1." DIGIT SP
    kStatus,         // 3DIGIT
    kStatusEnd,      // SP, or the CR of a line without a reason
    kReason,         // up to the CR
    kLineEnd,        // the LF of a start line or a field line
    kFieldStart,     // a name, or the CR of the empty line
    kName,           // up to the colon
    kValueStart,     // white space before the value
    kValue,          // up to the CR
    kHeadEnd,        // the LF of the empty line
    kDone,
  };

  HeadParser(const HeadLimits& limits, At start) noexcept;
  void reset(Head& head, At start) noexcept;
  // The states from kLineEnd on, which both heads share.
  void read_fields(Head& head, std::string_view bytes) noexcept;
  static constexpr std::string_view kVersion1 = "HTTP/1.";
  // kVersion1 DIGIT from mark_ on; false while it is incomplete or when it was refused.
  bool read_version(std::string_view bytes, int& minor, Verdict otherwise) noexcept;
  // Sets the buffer and cuts it to the limit.
  std::string_view begin(Head& head, std::string_view bytes) const noexcept;
  Parse finish(std::string_view bytes) noexcept;
  void refuse(Verdict verdict) noexcept { verdict_ = verdict; }
  // A line end where none may stand tells more than "illegal byte" does.
  void refuse_byte(char c, Verdict otherwise) noexcept {
    refuse(c == '\n' ? Verdict::kBareLineEnd : otherwise);
  }
  [[nodiscard]] Slice slice(std::size_t from, std::size_t to) const noexcept {
    return {.at = static_cast<std::uint16_t>(from), .size = static_cast<std::uint16_t>(to - from)};
  }

  std::size_t seen_ = 0;  // bytes judged so far
  std::size_t mark_ = 0;  // where the element that is being read begins
  At at_;
  std::uint8_t empty_lines_ = 0;
  bool started_ = false;
  Verdict verdict_ = Verdict::kOk;
  HeadLimits limits_;

 private:
  void end_value(Head& head, const char* base, std::size_t end) noexcept;
};

class RequestParser : public HeadParser {
 public:
  explicit RequestParser(const HeadLimits& limits) noexcept : HeadParser(limits, At::kEmptyLine) {}
  void reset() noexcept;  // ready for the next request
  // `bytes` begins at the first byte of the request, always. kDone: head() is complete and head().size()
  // bytes of `bytes` were used (skipped empty lines included). Called again after kDone it only follows the
  // buffer.
  Parse parse(std::string_view bytes) noexcept;
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }

 private:
  void read_request_line(std::string_view bytes) noexcept;
  RequestHead head_;
};

class ResponseParser : public HeadParser {
 public:
  explicit ResponseParser(const HeadLimits& limits) noexcept : HeadParser(limits, At::kStatusVersion) {}
  void reset() noexcept;
  Parse parse(std::string_view bytes) noexcept;
  [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }

 private:
  void read_status_line(std::string_view bytes) noexcept;
  ResponseHead head_;
};

}  // namespace sluice::http
