#include "http/verdict.h"

namespace sluice::http {

int status_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kOk:
      return 200;
    case Verdict::kBadRequestLine:
    case Verdict::kBadStatusLine:
    case Verdict::kBadTarget:
    case Verdict::kBadFieldLine:
    case Verdict::kBadFieldValue:
    case Verdict::kFoldedLine:
    case Verdict::kBareLineEnd:
    case Verdict::kHostMissing:
    case Verdict::kHostRepeated:
    case Verdict::kBadHost:
    case Verdict::kBadLength:
    case Verdict::kRepeatedLength:
    case Verdict::kLengthAndCoding:
    case Verdict::kBadCoding:
    case Verdict::kCodingInHttp10:
      return 400;
    case Verdict::kMethodNotAllowed:
      return 405;
    case Verdict::kTargetTooLong:
      return 414;
    case Verdict::kUnknownExpectation:
      return 417;
    case Verdict::kHeadTooLarge:
    case Verdict::kTooManyFields:
      return 431;
    case Verdict::kUnknownCoding:
      return 501;
    case Verdict::kUnexpectedUpgrade:
      return 502;  // stands in a response only
    case Verdict::kBadVersion:
      return 505;
  }
  return 400;
}

const char* name_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kBadRequestLine:
      return "bad-request-line";
    case Verdict::kBadStatusLine:
      return "bad-status-line";
    case Verdict::kBadVersion:
      return "bad-version";
    case Verdict::kBadTarget:
      return "bad-target";
    case Verdict::kTargetTooLong:
      return "target-too-long";
    case Verdict::kBadFieldLine:
      return "bad-field-line";
    case Verdict::kBadFieldValue:
      return "bad-field-value";
    case Verdict::kFoldedLine:
      return "folded-line";
    case Verdict::kBareLineEnd:
      return "bare-line-end";
    case Verdict::kHeadTooLarge:
      return "head-too-large";
    case Verdict::kTooManyFields:
      return "too-many-fields";
    case Verdict::kHostMissing:
      return "host-missing";
    case Verdict::kHostRepeated:
      return "host-repeated";
    case Verdict::kBadHost:
      return "bad-host";
    case Verdict::kBadLength:
      return "bad-length";
    case Verdict::kRepeatedLength:
      return "repeated-length";
    case Verdict::kLengthAndCoding:
      return "length-and-coding";
    case Verdict::kBadCoding:
      return "bad-coding";
    case Verdict::kUnknownCoding:
      return "unknown-coding";
    case Verdict::kCodingInHttp10:
      return "coding-in-http10";
    case Verdict::kUnknownExpectation:
      return "unknown-expectation";
    case Verdict::kMethodNotAllowed:
      return "method-not-allowed";
    case Verdict::kUnexpectedUpgrade:
      return "unexpected-upgrade";
  }
  return "unknown";
}

}  // namespace sluice::http
