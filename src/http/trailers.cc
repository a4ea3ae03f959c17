#include <algorithm>
#include <array>

#include "http/parser.h"
#include "http/rewrite.h"

namespace sluice::http {
namespace {

// Trailers are fields without a start line and, here, without the empty line.
class TrailerParser : public HeadParser {
 public:
  TrailerParser() noexcept : HeadParser({.head = 65535}, At::kFieldStart) {}
  // True when `raw` is complete, well-formed lines and nothing else.
  bool parse(std::string_view raw) noexcept {
    HeadParser::reset(head_, At::kFieldStart);
    const std::string_view bytes = begin(head_, raw);
    read_fields(head_, bytes);
    return finish(raw) == Parse::kIncomplete && at_ == At::kFieldStart;
  }
  [[nodiscard]] const Head& head() const noexcept { return head_; }

 private:
  Head head_;
};

// Fields that decide over the message they stand in, or over access to it; too late in a trailer, and
// dangerous where a recipient merges them into the head. RFC 9110 section 6.5.1.
constexpr auto kNotInTrailers = std::to_array<std::string_view>({
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "cookie",
    "expires",
    "location",
    "pragma",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
});

bool may_stand_in_trailers(std::string_view name, FieldId id) noexcept {
  switch (id) {
    // Signatures, checksums and measurements: what trailers are for.
    case FieldId::kOther:
      return !is_x_forwarded(name) && !is_client_certificate(name) &&
             std::none_of(kNotInTrailers.begin(), kNotInTrailers.end(),
                          [name](std::string_view other) { return equals_ignoring_case(name, other); });
    case FieldId::kContentDigest:
    case FieldId::kContentMd5:
    case FieldId::kDigest:
    case FieldId::kEtag:
    case FieldId::kReprDigest:
    case FieldId::kServerTiming:
    case FieldId::kServer:
    case FieldId::kUserAgent:
      return true;
    default:
      return false;  // the other known ones frame, route, modify the request or end at this hop
  }
}

// They speak of the body as it was.
bool names_exact_bytes(FieldId id) noexcept {
  return id == FieldId::kContentDigest || id == FieldId::kContentMd5 || id == FieldId::kDigest ||
         id == FieldId::kEtag || id == FieldId::kReprDigest;
}

bool filter(std::string_view raw, std::string& out, bool recoded) {
  TrailerParser parser;
  if (!parser.parse(raw)) return false;
  for (const Field& field : parser.head().fields()) {
    const std::string_view name = parser.head().name(field);
    if (!may_stand_in_trailers(name, field.id) || (recoded && names_exact_bytes(field.id))) continue;
    out.append(name).append(": ").append(parser.head().value(field)).append("\r\n");
  }
  return true;
}

}  // namespace

bool filter_trailers(std::string_view raw, std::string& out) { return filter(raw, out, false); }
bool filter_recoded_trailers(std::string_view raw, std::string& out) { return filter(raw, out, true); }

}  // namespace sluice::http
