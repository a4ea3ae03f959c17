#include "content/negotiate.h"

#include <algorithm>
#include <array>

#include "http/accept_encoding.h"
#include "http/message.h"

namespace sluice::content {

namespace {

// What grows small: text, and binary formats that are not packed in themselves. text/event-stream is one of them, for
// an encoder never holds an event back.
constexpr auto kUsual = std::to_array<std::string_view>({
    "text/*",
    "application/json",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/xml",
    "application/*+json",
    "application/*+xml",
    "image/*+xml",
    "model/*+xml",
    "application/x-ndjson",
    "application/jsonl",
    "application/yaml",
    "application/toml",
    "application/graphql",
    "application/sql",
    "application/rtf",
    "application/wasm",
    "application/vnd.apple.mpegurl",
    "application/vnd.ms-fontobject",
    "application/x-tar",
    "font/ttf",
    "font/otf",
    "font/collection",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
});

// "*" is anything, "*+xml" anything with that suffix (RFC 6838 section 4.2.8).
bool fits(std::string_view pattern, std::string_view text) noexcept {
  if (!pattern.starts_with('*')) return http::equals_ignoring_case(pattern, text);
  const std::string_view end = pattern.substr(1);
  return text.size() > end.size() && http::equals_ignoring_case(end, text.substr(text.size() - end.size()));
}

bool matches(std::string_view pattern, std::string_view type) noexcept {
  const std::size_t ours = pattern.find('/'), theirs = type.find('/');
  if (ours == std::string_view::npos || theirs == std::string_view::npos) return false;
  return fits(pattern.substr(0, ours), type.substr(0, theirs)) &&
         fits(pattern.substr(ours + 1), type.substr(theirs + 1));
}

bool forbids_transforming(const http::Head& head) noexcept {
  for (const http::Field& field : head.fields())
    if (field.id == http::FieldId::kCacheControl && http::has_token(head.value(field), "no-transform"))
      return true;
  return false;
}

bool names_strong_tag(const http::Head& head) noexcept {
  for (const http::Field& field : head.fields()) {
    if (field.id != http::FieldId::kIfNoneMatch) continue;
    // Tags may hold commas and anything else but quotes: every other quote opens one.
    const std::string_view list = head.value(field);
    bool inside = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] != '"') continue;
      if (!inside && (i < 2 || list.substr(i - 2, 2) != "W/")) return true;
      inside = !inside;
    }
  }
  return false;
}

}  // namespace

std::string_view name_of(config::Coding coding) noexcept {
  switch (coding) {
    case config::Coding::kZstd:
      return "zstd";
    case config::Coding::kBrotli:
      return "br";
    case config::Coding::kGzip:
      return "gzip";
  }
  return "?";
}

CodingWish coding_wish(const http::RequestHead& head, const config::Compress& compress) noexcept {
  CodingWish wish;
  if (compress.codings.empty()) return wish;
  wish.holds_strong_tag = names_strong_tag(head);
  // Ranges are counted in the body as it is, chunks are for HTTP/1.1, and who says no-transform means us.
  if (head.minor == 0 || head.find(http::FieldId::kRange) != nullptr || forbids_transforming(head))
    return wish;
  unsigned most = http::coding_weight(head, "identity");
  if (most == 0) most = 1;
  for (const config::Coding coding : compress.codings) {
    const unsigned weight = http::coding_weight(head, name_of(coding));
    if (weight < most || (wish.coding && weight == most)) continue;
    most = weight;
    wish.coding = coding;
  }
  return wish;
}

CodingPlan plan_coding(const config::Compress& compress, const CodingWish& wish,
                       const http::ResponseHead& response, std::optional<std::uint64_t> length) noexcept {
  CodingPlan plan;
  if (compress.codings.empty() || response.status < 200 || response.status == 204) return plan;
  if (response.find(http::FieldId::kContentEncoding) != nullptr || forbids_transforming(response))
    return plan;
  const bool not_modified = response.status == 304;
  // A 304 need not tell the type; and its length, if it tells one, is that of the body it stands for.
  const std::string_view type = response.find_value(http::FieldId::kContentType);
  const bool compressible = type.empty() ? not_modified : is_compressible(type, compress.types);
  if (!compressible) return plan;
  const bool partial = response.status == 206 || response.find(http::FieldId::kContentRange) != nullptr;
  if (!partial && length && *length < std::max<std::uint64_t>(compress.min_length, 1)) return plan;

  plan.recoding.vary = true;
  if (!wish.coding || partial) return plan;
  if (not_modified) {
    // As the 200 said it, which the client may have had both ways.
    plan.recoding.weak_tag = !wish.holds_strong_tag;
    return plan;
  }
  plan.coding = wish.coding;
  plan.recoding.coding = name_of(*wish.coding);
  plan.recoding.weak_tag = true;
  return plan;
}

bool is_compressible(std::string_view type, std::span<const std::string> patterns) noexcept {
  std::string_view name = type.substr(0, type.find(';'));
  while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
  const auto fitting = [name](std::string_view pattern) { return matches(pattern, name); };
  return patterns.empty() ? std::ranges::any_of(kUsual, fitting) : std::ranges::any_of(patterns, fitting);
}

}  // namespace sluice::content
