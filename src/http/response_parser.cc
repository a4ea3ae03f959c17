#include "http/chars.h"
#include "http/parser.h"

namespace sluice::http {

void ResponseParser::reset() noexcept {
  HeadParser::reset(head_, At::kStatusVersion);
  head_.status = 0;
  head_.minor = 1;
  head_.reason = Slice{};
}

Parse ResponseParser::parse(std::string_view bytes) noexcept {
  bytes = begin(head_, bytes);
  if (verdict_ == Verdict::kOk && at_ < At::kLineEnd) read_status_line(bytes);
  if (verdict_ == Verdict::kOk && at_ >= At::kLineEnd) read_fields(head_, bytes);
  return finish(bytes);
}

void ResponseParser::read_status_line(std::string_view bytes) noexcept {
  if (!bytes.empty()) started_ = true;
  while (seen_ < bytes.size()) {
    const char c = bytes[seen_];
    switch (at_) {
      case At::kStatusVersion:
        if (seen_ - mark_ <= kVersion1.size()) {
          if (!read_version(bytes, head_.minor, Verdict::kBadStatusLine)) return;
          break;
        }
        if (c != ' ') return refuse_byte(c, Verdict::kBadStatusLine);
        mark_ = ++seen_;
        head_.status = 0;
        at_ = At::kStatus;
        break;
      case At::kStatus:
        // Three digits; 600 to 999 stand in no RFC but on the net, so they pass.
        if (!is_digit(c) || (seen_ == mark_ && c == '0')) return refuse_byte(c, Verdict::kBadStatusLine);
        head_.status = head_.status * 10 + (c - '0');
        if (++seen_ - mark_ == 3) at_ = At::kStatusEnd;
        break;
      case At::kStatusEnd:
        // RFC 9112 section 4 wants the space even when no reason follows; many servers leave it out.
        if (c != ' ' && c != '\r') return refuse_byte(c, Verdict::kBadStatusLine);
        mark_ = seen_ + (c == ' ' ? 1 : 0);
        seen_ = mark_;
        at_ = At::kReason;
        break;
      case At::kReason:
        seen_ = skip(bytes, seen_, CharClass::kValue);
        if (seen_ == bytes.size()) return;
        if (bytes[seen_] != '\r') return refuse_byte(bytes[seen_], Verdict::kBadStatusLine);
        head_.reason = slice(mark_, seen_);
        ++seen_;
        at_ = At::kLineEnd;
        return;
      case At::kEmptyLine:
      case At::kEmptyLineEnd:
      case At::kMethod:
      case At::kTarget:
      case At::kVersion:
      case At::kVersionEnd:
      case At::kLineEnd:
      case At::kFieldStart:
      case At::kName:
      case At::kValueStart:
      case At::kValue:
      case At::kHeadEnd:
      case At::kDone:
        return;  // no state of a status line
    }
  }
}

}  // namespace sluice::http
