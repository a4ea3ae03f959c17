#include "http/accept_encoding.h"

#include <optional>

#include "http/chars.h"
#include "http/message.h"

namespace sluice::http {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths.
std::optional<unsigned> parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  unsigned value = text[0] == '1' ? 1000 : 0;
  if (text.size() == 1) return value;
  if (text[1] != '.' || text.size() > 5) return std::nullopt;
  unsigned worth = 100;
  for (const char c : text.substr(2)) {
    if (!is_digit(c)) return std::nullopt;
    value += static_cast<unsigned>(c - '0') * worth;
    worth /= 10;
  }
  return value <= 1000 ? std::optional(value) : std::nullopt;
}

struct Element {
  std::string_view coding;
  unsigned weight = 1000;
};

// codings [ OWS ";" OWS "q=" qvalue ]
std::optional<Element> parse_element(std::string_view text) noexcept {
  const std::size_t semicolon = text.find(';');
  Element element{.coding = trim(text.substr(0, semicolon))};
  if (!is_token(element.coding)) return std::nullopt;
  if (semicolon == std::string_view::npos) return element;
  const std::string_view parameter = trim(text.substr(semicolon + 1));
  if (parameter.size() < 2 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') return std::nullopt;
  const auto weight = parse_weight(parameter.substr(2));
  if (!weight) return std::nullopt;
  element.weight = *weight;
  return element;
}

bool names(std::string_view element, std::string_view coding) noexcept {
  return equals_ignoring_case(element, coding) ||
         (coding == "gzip" && equals_ignoring_case(element, "x-gzip"));  // RFC 9110 section 8.4.1.3
}

}  // namespace

unsigned coding_weight(const RequestHead& head, std::string_view coding) noexcept {
  std::optional<unsigned> named, others;
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::kAcceptEncoding) continue;
    const bool well_formed = for_each_token(head.value(field), [&](std::string_view text) {
      const auto element = parse_element(text);
      if (!element) return false;
      if (!named && names(element->coding, coding)) named = element->weight;
      if (!others && element->coding == "*") others = element->weight;
      return true;
    });
    if (!well_formed) return 0;
  }
  return named.value_or(others.value_or(0));
}

}  // namespace sluice::http
