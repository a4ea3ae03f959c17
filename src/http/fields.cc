#include "http/fields.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/chars.h"

namespace sluice::http {
namespace {

// In the order of FieldId, which starts with kOther.
constexpr auto kNames = std::to_array<std::string_view>({
    "",
    "accept-encoding",
    "accept-ranges",
    "cache-control",
    "connection",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "digest",
    "etag",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "repr-digest",
    "server",
    "server-timing",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
});
static_assert(kNames.size() == static_cast<std::size_t>(FieldId::kXForwardedProto) + 1);

constexpr std::size_t kSlots = 128;

// Length, first and last letter tell the names apart. These factors make it a perfect hash of kNames; the table below
// does not compile when a new name needs others, and then any that pass will do.
constexpr std::size_t slot_of(std::string_view name) noexcept {
  const auto first = static_cast<unsigned char>(name.front()) | 0x20U;
  const auto last = static_cast<unsigned char>(name.back()) | 0x20U;
  return (name.size() * 2 + first * 32 + last * 39) % kSlots;
}

constexpr auto kTable = [] {
  std::array<std::uint8_t, kSlots> table{};
  for (std::size_t id = 1; id < kNames.size(); ++id) {
    std::uint8_t& slot = table[slot_of(kNames[id])];
    if (slot != 0) throw "two names share a slot";  // at compile time only
    slot = static_cast<std::uint8_t>(id);
  }
  return table;
}();

std::uint64_t word_at(std::string_view text, std::size_t at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

// Of four to eight letters: the first four and the last four.
std::uint64_t ends_of(std::string_view text) noexcept {
  std::uint32_t first, last;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  return std::uint64_t{first} << 32 | last;
}

// As CGI would see it; `prefix` in lower case.
bool begins_with(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), name.begin(),
                    [](char expected, char c) { return to_lower(c == '_' ? '-' : c) == expected; });
}

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  if (name.empty()) return FieldId::kOther;
  const std::uint8_t id = kTable[slot_of(name)];
  return equals_ignoring_case(name, kNames[id]) ? static_cast<FieldId>(id) : FieldId::kOther;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i)
      if (to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
  }
  // Every request's names come through here: a word at a time, the last one overlapping what was seen before it.
  if (size < 8) return to_lower(ends_of(a)) == to_lower(ends_of(b));
  for (std::size_t i = 0; i + 8 < size; i += 8)
    if (to_lower(word_at(a, i)) != to_lower(word_at(b, i))) return false;
  return to_lower(word_at(a, size - 8)) == to_lower(word_at(b, size - 8));
}

std::string_view name_of(FieldId id) noexcept { return kNames[static_cast<std::size_t>(id)]; }

bool is_x_forwarded(std::string_view name) noexcept { return begins_with(name, "x-forwarded-"); }

bool is_client_certificate(std::string_view name) noexcept {
  for (const std::string_view whole : {"client-cert", "client-cert-chain", "x-client-cert"})
    if (name.size() == whole.size() && begins_with(name, whole)) return true;
  return begins_with(name, "x-client-cert-");
}

}  // namespace sluice::http
