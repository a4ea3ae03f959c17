#include "http/chars.h"
#include "http/parser.h"

namespace sluice::http {
namespace {

constexpr std::uint8_t kMaxEmptyLines = 4;

Method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3:
      return text == "GET" ? Method::kGet : text == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      return text == "POST" ? Method::kPost : text == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      return text == "PATCH" ? Method::kPatch : text == "TRACE" ? Method::kTrace : Method::kOther;
    case 6:
      return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      return text == "OPTIONS" ? Method::kOptions : text == "CONNECT" ? Method::kConnect : Method::kOther;
    default:
      return Method::kOther;
  }
}

}  // namespace

// What the last request left must not be read with the next one's buffer, not even after a refusal.
void RequestParser::reset() noexcept {
  HeadParser::reset(head_, At::kEmptyLine);
  head_.method = Method::kOther;
  head_.method_text = head_.target = Slice{};
  head_.minor = 1;
}

Parse RequestParser::parse(std::string_view bytes) noexcept {
  bytes = begin(head_, bytes);
  if (verdict_ == Verdict::kOk && at_ < At::kLineEnd) read_request_line(bytes);
  if (verdict_ == Verdict::kOk && at_ >= At::kLineEnd) read_fields(head_, bytes);
  return finish(bytes);
}

void RequestParser::read_request_line(std::string_view bytes) noexcept {
  while (seen_ < bytes.size()) {
    const char c = bytes[seen_];
    switch (at_) {
      case At::kEmptyLine:
        if (c == '\r') {
          if (empty_lines_ == kMaxEmptyLines) return refuse(Verdict::kBadRequestLine);
          ++seen_;
          at_ = At::kEmptyLineEnd;
          break;
        }
        if (c == '\n') return refuse(Verdict::kBareLineEnd);
        started_ = true;
        mark_ = seen_;
        at_ = At::kMethod;
        [[fallthrough]];
      case At::kMethod:
        seen_ = skip(bytes, seen_, CharClass::kToken);
        if (seen_ == bytes.size()) return;
        if (bytes[seen_] != ' ' || seen_ == mark_) return refuse_byte(bytes[seen_], Verdict::kBadRequestLine);
        head_.method_text = slice(mark_, seen_);
        head_.method = method_of(head_.view(head_.method_text));
        mark_ = ++seen_;
        at_ = At::kTarget;
        break;
      case At::kTarget: {
        // One byte past the limit, never more: the answer must not depend on how much has arrived.
        const std::string_view window = bytes.substr(0, mark_ + limits_.target + 1);
        seen_ = skip(window, seen_, CharClass::kTarget);
        if (seen_ - mark_ > limits_.target) return refuse(Verdict::kTargetTooLong);
        if (seen_ == bytes.size()) return;
        const char end = bytes[seen_];
        if (end == '\r' || end == '\n') return refuse_byte(end, Verdict::kBadRequestLine);  // HTTP/0.9
        if (end != ' ') return refuse(Verdict::kBadTarget);
        if (seen_ == mark_) return refuse(Verdict::kBadRequestLine);  // two spaces
        head_.target = slice(mark_, seen_);
        mark_ = ++seen_;
        at_ = At::kVersion;
        break;
      }
      case At::kVersion:
        if (!read_version(bytes, head_.minor, Verdict::kBadRequestLine)) return;
        at_ = At::kVersionEnd;
        break;
      case At::kVersionEnd:
        if (c != '\r') return refuse_byte(c, Verdict::kBadRequestLine);
        ++seen_;
        at_ = At::kLineEnd;
        return;
      case At::kEmptyLineEnd:
        if (c != '\n') return refuse(Verdict::kBareLineEnd);
        ++seen_;
        ++empty_lines_;
        at_ = At::kEmptyLine;
        break;
      case At::kStatusVersion:
      case At::kStatus:
      case At::kStatusEnd:
      case At::kReason:
      case At::kLineEnd:
      case At::kFieldStart:
      case At::kName:
      case At::kValueStart:
      case At::kValue:
      case At::kHeadEnd:
      case At::kDone:
        return;  // no state of a request line
    }
  }
}

}  // namespace sluice::http
