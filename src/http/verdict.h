// Every way a message can be refused, each with its answer, its name in the log and the rule it breaks.
#pragma once

#include <cstdint>

namespace sluice::http {

enum class Verdict : std::uint8_t {
  kOk,
  kBadRequestLine,
  kBadStatusLine,
  kBadVersion,
  kBadTarget,
  kTargetTooLong,
  kBadFieldLine,   // no colon, white space before it, an empty or illegal name
  kBadFieldValue,  // NUL or another control character
  kFoldedLine,     // obs-fold
  kBareLineEnd,    // LF without CR, or CR without LF
  kHeadTooLarge,
  kTooManyFields,
  kHostMissing,
  kHostRepeated,
  kBadHost,
  kBadLength,
  kRepeatedLength,
  kLengthAndCoding,
  kBadCoding,      // Transfer-Encoding that is not a token list, or chunked twice or not last
  kUnknownCoding,  // well-formed, but not exactly "chunked"
  kCodingInHttp10,
  kUnknownExpectation,
  kMethodNotAllowed,
  kUnexpectedUpgrade,  // a 101 that nobody asked for
};

// The status a client gets for it: 400, 405, 414, 417, 431, 501, 505. In a response head any verdict is a
// 502.
int status_of(Verdict verdict) noexcept;
const char* name_of(Verdict verdict) noexcept;  // "host-missing": stable, for logs and counters

}  // namespace sluice::http
