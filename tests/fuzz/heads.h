// What holds for both kinds of heads.
#pragma once

#include <algorithm>
#include <memory>

#include "fuzz/naive.h"
#include "fuzz/require.h"
#include "http/heads.h"
#include "http/rewrite.h"

namespace sluice::fuzz {

using http::HeadLimits;
using http::Parse;

inline constexpr HeadLimits kWidest{.head = 65535, .target = 65535, .fields = http::kMaxFields};

template <typename Parser>
std::string parse_whole(std::string_view text, const HeadLimits& limits = {}) {
  Parser parser(limits);
  return http::feed(parser, text, {text.size()});
}

// Whole, in two pieces cut at every place, and byte by byte: the same. Long inputs are cut at some places only.
template <typename Parser>
void check_cuts(std::string_view text, const HeadLimits& limits = {}) {
  const std::string whole = parse_whole<Parser>(text, limits);
  const std::size_t stride = 1 + text.size() / 2048 * 64;
  std::vector<std::size_t> each;
  Parser parser(limits);
  for (std::size_t cut = 0; cut < text.size(); cut += stride) {
    each.push_back(cut);
    parser.reset();
    require_same(http::feed(parser, text, {cut, text.size()}), whole, "cut in two, it means the same");
  }
  each.push_back(text.size());
  parser.reset();
  require_same(http::feed(parser, text, each), whole, "byte by byte, it means the same");
}

// Accepted is what the naive reading accepts, with the same fields; each view lies in the head.
inline void check_against(const http::Head& head, std::string_view bytes, const NaiveHead& naive) {
  require(head.size() == naive.size && head.size() <= bytes.size(), "the head ends where the grammar says");
  require(head.fields().size() == naive.fields.size(), "as many fields");
  std::size_t at = 0;
  for (std::size_t i = 0; i < naive.fields.size(); ++i) {
    const http::Field& field = head.fields()[i];
    require_same(head.name(field), naive.fields[i].first, "a field's name");
    require_same(head.value(field), naive.fields[i].second, "a field's value");
    require(field.id == http::field_id(naive.fields[i].first), "a field's name is known, or not");
    require(field.name.at >= at && field.value.at > field.name.at + field.name.size - 1U &&
                field.value.at + field.value.size + 2U <= head.size(),
            "fields follow each other");
    at = field.value.at + field.value.size + 2U;
  }
}

// Limits are exact: a head passes at its own measures, and not with one byte or field less.
template <typename Parser>
void check_limits(std::string_view text, std::size_t size, std::size_t fields) {
  const auto verdict = [&](const HeadLimits& limits) {
    Parser parser(limits);
    return parser.parse(text) == Parse::kRefused ? parser.verdict() : http::Verdict::kOk;
  };
  HeadLimits limits = kWidest;
  limits.head = size;
  require(verdict(limits) == http::Verdict::kOk, "a head of the largest size passes");
  limits.head = size - 1;
  require(verdict(limits) == http::Verdict::kHeadTooLarge, "a larger head is refused");
  limits = kWidest;
  limits.fields = fields;
  require(verdict(limits) == http::Verdict::kOk, "the most fields pass");
  if (fields == 0) return;
  limits.fields = fields - 1;
  require(verdict(limits) == http::Verdict::kTooManyFields, "one more is refused");
}

// Parses `text`, cut in every way, and holds the result against the naive reading. true: accepted.
template <typename Parser>
bool check_parsing(std::string_view text, bool request) {
  check_cuts<Parser>(text);
  check_cuts<Parser>(text, {.head = 64, .target = 16, .fields = 3});
  const std::string copy(text);  // behind it, the naive reading and the parser see the same NUL
  Parser parser{HeadLimits{}};
  const Parse answer = parser.parse(copy);
  const auto naive = read_naively(copy, request);
  require((answer == Parse::kRefused) == (parser.verdict() != http::Verdict::kOk), "a refusal has a verdict");
  if (answer != Parse::kDone) {
    const HeadLimits limits;
    const bool fits = naive && naive->size <= limits.head && naive->fields.size() <= limits.fields &&
                      split(naive->start_line, " ")[1].size() <= limits.target;
    require(!fits, "a well-formed head within the limits is accepted");
    return false;
  }
  require(naive.has_value(), "an accepted head is well-formed");
  check_against(parser.head(), copy, *naive);
  require(parser.parse(copy + "rest") == Parse::kDone, "what follows a head is not looked at");
  check_limits<Parser>(copy, naive->size, naive->fields.size());
  return true;
}

// Runs `write` into memory of exactly the size it needs, then of one byte less.
template <typename Write>
std::string written(Write write) {
  const auto large = std::make_unique<char[]>(1 << 17);
  http::HeadWriter measuring({large.get(), 1 << 17});
  write(measuring);
  require(measuring.ok(), "a head has a size");
  std::string text(measuring.text());
  const auto less = std::make_unique<char[]>(text.size() - 1);
  http::HeadWriter tight({less.get(), text.size() - 1});
  write(tight);
  require(!tight.ok(), "a head that doesn't fit is not ok");
  return text;
}

// No byte that ends a line but the pairs that end ours, and exactly one empty line, the last.
inline NaiveHead read_written(const std::string& text, bool request) {
  const auto naive = read_naively(text, request);
  require(naive.has_value() && naive->size == text.size(), "a written head is one whole head");
  require(text.find('\0') == std::string::npos, "no NUL is written");
  const auto ends = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  require(ends == static_cast<std::size_t>(std::count(text.begin(), text.end(), '\r')) &&
              ends == naive->fields.size() + 2,
          "no bare CR or LF is written");
  return *naive;
}

// The fields that go on as they came, in their order: those that neither end at this hop nor are written anew.
template <typename WrittenAnew>
std::string passing_fields(const NaiveHead& head, WrittenAnew written_anew) {
  static const std::vector<std::string> kHopByHop = {
      "connection", "http2-settings",   "keep-alive", "proxy-authenticate", "proxy-authorization",
      "te",         "proxy-connection", "upgrade",    "transfer-encoding"};
  static const std::vector<std::string> kNeverNamed = {
      "content-length",   "forwarded",        "host", "via", "x-forwarded-for",
      "x-forwarded-host", "x-forwarded-proto"};
  const auto options = connection_options(head);
  const auto is_in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  std::string out;
  for (const auto& [name, value] : head.fields) {
    const std::string low = lower(name);
    if (written_anew(low) || is_in(kHopByHop, low)) continue;
    if (is_in(options, low) && !is_in(kNeverNamed, low)) continue;
    out.append(name).append(": ").append(value).append("\n");
  }
  return out;
}

}  // namespace sluice::fuzz
