#include "http/parser.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "http/chars.h"
#include "http/message.h"

namespace sluice::http {

// One parser a worker is copied aside when a head comes in pieces.
static_assert(std::is_trivially_copyable_v<RequestParser> && std::is_trivially_copyable_v<ResponseParser>);

namespace {

// The first byte from `at` on that may not stand in a value. Eight at a time: values are most of a head.
std::size_t skip_value(std::string_view bytes, std::size_t at) noexcept {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255, kHighBits = kOnes * 0x80;
  while (bytes.size() - at >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    // A high bit remains for a byte below 0x20 or equal to 0x7f. A borrow can mark a byte too many, never one
    // too few; the table then looks at each, as it does for HTAB.
    if ((((word - kOnes * 0x20) & ~word) | ((del - kOnes) & ~del)) & kHighBits) {
      const std::size_t stop = skip(bytes.substr(0, at + 8), at, CharClass::kValue);
      if (stop < at + 8) return stop;
    }
    at += 8;
  }
  return skip(bytes, at, CharClass::kValue);
}

// Options that name no field, or one that is never forwarded anyway.
bool is_usual_option(std::string_view option) noexcept {
  if (equals_ignoring_case(option, "close")) return true;
  switch (field_id(option)) {
    case FieldId::kKeepAlive:
    case FieldId::kUpgrade:
    case FieldId::kTe:
    case FieldId::kHttp2Settings:
      return true;
    default:
      return false;  // any other name
  }
}

}  // namespace

HeadParser::HeadParser(const HeadLimits& limits, At start) noexcept : at_(start), limits_(limits) {
  limits_.head = std::min<std::size_t>(limits_.head, 65535);  // offsets have 16 bits
  limits_.target = std::min(limits_.target, limits_.head);
  limits_.fields = std::min(limits_.fields, kMaxFields);
}

void HeadParser::reset(Head& head, At start) noexcept {
  seen_ = mark_ = 0;
  at_ = start;
  empty_lines_ = 0;
  started_ = false;
  verdict_ = Verdict::kOk;
  head.base_ = nullptr;
  head.count_ = 0;
  head.size_ = 0;
  head.connection_names_fields_ = false;
}

std::string_view HeadParser::begin(Head& head, std::string_view bytes) const noexcept {
  head.base_ = bytes.data();
  return bytes.substr(0, limits_.head);
}

Parse HeadParser::finish(std::string_view bytes) noexcept {
  if (verdict_ != Verdict::kOk) return Parse::kRefused;
  if (at_ == At::kDone) return Parse::kDone;
  if (bytes.size() < limits_.head) return Parse::kIncomplete;
  refuse(at_ == At::kTarget ? Verdict::kTargetTooLong : Verdict::kHeadTooLarge);
  return Parse::kRefused;
}

bool HeadParser::read_version(std::string_view bytes, int& minor, Verdict otherwise) noexcept {
  while (seen_ < bytes.size()) {
    const std::size_t i = seen_ - mark_;
    const char c = bytes[seen_];
    if (i < kVersion1.size()) {
      if (c != kVersion1[i]) {
        // "HTTP/2" and the like are a version we do not speak; anything else is no version.
        const bool other_major = i + 2 == kVersion1.size() && is_digit(c);
        return refuse_byte(c, other_major ? Verdict::kBadVersion : otherwise), false;
      }
      ++seen_;
      continue;
    }
    if (!is_digit(c)) return refuse_byte(c, otherwise), false;
    minor = c - '0';
    ++seen_;
    return true;
  }
  return false;
}

void HeadParser::end_value(Head& head, const char* base, std::size_t end) noexcept {
  while (end > mark_ && is_blank(base[end - 1])) --end;
  Field& field = head.fields_[head.count_];
  field.value = slice(mark_, end);
  ++head.count_;
  if (field.id == FieldId::kConnection && !for_each_token(head.value(field), is_usual_option))
    head.connection_names_fields_ = true;
}

void HeadParser::read_fields(Head& head, std::string_view bytes) noexcept {
  std::size_t i = seen_;  // a local stays in a register
  for (; i < bytes.size() && verdict_ == Verdict::kOk && at_ != At::kDone; seen_ = i) {
    switch (at_) {
      case At::kLineEnd:
        if (bytes[i] != '\n') return refuse(Verdict::kBareLineEnd);
        at_ = At::kFieldStart;
        if (++i == bytes.size()) break;
        [[fallthrough]];
      case At::kFieldStart:
        if (bytes[i] == '\r') {
          ++i;
          at_ = At::kHeadEnd;
          break;
        }
        if (is_blank(bytes[i])) return refuse(Verdict::kFoldedLine);
        if (!is(bytes[i], CharClass::kToken)) return refuse_byte(bytes[i], Verdict::kBadFieldLine);
        if (head.count_ == limits_.fields) return refuse(Verdict::kTooManyFields);
        mark_ = i;
        at_ = At::kName;
        [[fallthrough]];
      case At::kName: {
        i = skip(bytes, i, CharClass::kToken);
        if (i == bytes.size()) break;
        if (bytes[i] != ':') return refuse_byte(bytes[i], Verdict::kBadFieldLine);
        Field& field = head.fields_[head.count_];
        field.name = slice(mark_, i);
        field.id = field_id(bytes.substr(mark_, i - mark_));
        ++i;
        at_ = At::kValueStart;
        [[fallthrough]];
      }
      case At::kValueStart:
        while (i < bytes.size() && is_blank(bytes[i])) ++i;
        if (i == bytes.size()) break;
        mark_ = i;
        at_ = At::kValue;
        [[fallthrough]];
      case At::kValue:
        i = skip_value(bytes, i);
        if (i == bytes.size()) break;
        if (bytes[i] != '\r') return refuse_byte(bytes[i], Verdict::kBadFieldValue);
        end_value(head, bytes.data(), i);
        ++i;
        at_ = At::kLineEnd;
        break;
      case At::kHeadEnd:
        if (bytes[i] != '\n') return refuse(Verdict::kBareLineEnd);
        head.size_ = ++i;
        at_ = At::kDone;
        break;
      case At::kEmptyLine:
      case At::kEmptyLineEnd:
      case At::kMethod:
      case At::kTarget:
      case At::kVersion:
      case At::kVersionEnd:
      case At::kStatusVersion:
      case At::kStatus:
      case At::kStatusEnd:
      case At::kReason:
      case At::kDone:
        return;  // the start line is not complete, or nothing is left to read
    }
  }
}

}  // namespace sluice::http
