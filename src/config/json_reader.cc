#include "config/json_reader.h"

#include <algorithm>
#include <cassert>
#include <nlohmann/json.hpp>
#include <span>

#include "config/duration.h"
#include "config/keys.h"
#include "config/size.h"
#include "config/suggest.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string list_of(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + in_quotes(word);
  return out;
}

std::optional<std::size_t> index_of(std::string_view word, std::span<const std::string_view> words) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

// The section that the key belongs to, a near key of the same section, else all that may stand here.
std::string remedy_for_unknown(std::string_view key, std::string_view section) {
  const auto known = keys_of(section);
  const std::string_view near = nearest(key, known);
  const std::string meant = near.empty() ? "" : "did you mean " + in_quotes(near) + "?";
  for (const Section& other : sections()) {
    if (!index_of(key, other.keys)) continue;
    return "unknown key here: it belongs in " + in_quotes(other.name) + (near.empty() ? "" : ", or " + meant);
  }
  if (!near.empty()) return "unknown key: " + meant;
  return "unknown key: write one of " + list_of(known);
}

}  // namespace

std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "text";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return "a number";
    case json::value_t::binary:
    case json::value_t::discarded:
      break;  // never from text
  }
  return "nothing";
}

ObjectReader::ObjectReader(const json& value, std::string place, std::string_view section, Mistakes& mistakes)
    : value_(value), place_(std::move(place)), section_(section), mistakes_(mistakes) {
  assert(!keys_of(section).empty());
  if (!value.is_object()) {
    mistakes_.add(place_, "expected an object {...}, not " + std::string(kind_of(value)));
    return;
  }
  const auto known = keys_of(section);
  for (const auto& [key, member] : value.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      mistake(key, remedy_for_unknown(key, section));
    }
  }
}

const json* ObjectReader::find(std::string_view key) const {
  [[maybe_unused]] const auto known = keys_of(section_);
  assert(std::find(known.begin(), known.end(), key) != known.end());
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(std::string(key));
  return found == value_.end() ? nullptr : &*found;
}

std::string ObjectReader::place_of(std::string_view key) const {
  return place_ + (place_.empty() ? "" : ".") + std::string(key);
}

const json* ObjectReader::find_text(std::string_view key, std::string_view wanted) {
  const json* value = find(key);
  if (value == nullptr || value->is_string()) return value;
  mistake(key, "expected " + std::string(wanted) + ", not " + std::string(kind_of(*value)));
  return nullptr;
}

void ObjectReader::text(std::string_view key, std::string& out) {
  if (const json* value = find_text(key, "text in double quotes")) out = value->get_ref<const std::string&>();
}

void ObjectReader::flag(std::string_view key, bool& out) {
  const json* value = find(key);
  if (value == nullptr) return;
  if (value->is_boolean()) {
    out = value->get<bool>();
  } else {
    mistake(key, "expected true or false (without quotes), not " + std::string(kind_of(*value)));
  }
}

void ObjectReader::duration(std::string_view key, std::chrono::milliseconds& out) {
  const json* number = find(key);
  std::string remedy;
  if (number != nullptr && number->is_number()) {
    const std::string digits = number->dump();
    mistake(key, digits + " has no unit: write \"" + digits + "s\" or \"" + digits + "ms\"");
  } else if (const json* value = find_text(key, R"(a duration such as "10s")")) {
    if (const auto parsed = parse_duration(value->get_ref<const std::string&>(), remedy)) {
      out = *parsed;
    } else {
      mistake(key, remedy);
    }
  }
}

std::optional<std::uint64_t> ObjectReader::size_value(std::string_view key, std::uint64_t most) {
  const json* number = find(key);
  if (number != nullptr && number->is_number()) return count_value(key, most);
  const json* value = find_text(key, R"(a size such as "16KiB")");
  if (value == nullptr) return std::nullopt;
  std::string remedy;
  const auto parsed = parse_size(value->get_ref<const std::string&>(), remedy);
  if (!parsed) {
    mistake(key, remedy);
  } else if (*parsed > most) {
    mistake(key, "at most " + size_text(most) + " fits here");
    return std::nullopt;
  }
  return parsed;
}

std::optional<std::uint64_t> ObjectReader::count_value(std::string_view key, std::uint64_t most) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) {  // the library keeps each whole number from 0 on as unsigned
    const std::string got(value->is_number() ? value->dump() : kind_of(*value));
    mistake(key, "expected a whole number from 0 on (without quotes), not " + got);
    return std::nullopt;
  }
  const auto n = value->get<std::uint64_t>();
  if (n <= most) return n;
  mistake(key, "at most " + std::to_string(most) + " fits here");
  return std::nullopt;
}

std::optional<std::size_t> ObjectReader::chosen(std::string_view key,
                                                const std::vector<std::string_view>& words) {
  const json* value = find_text(key, "one of " + list_of(words));
  if (value == nullptr) return std::nullopt;
  const auto& word = value->get_ref<const std::string&>();
  if (const auto index = index_of(word, words)) return index;
  mistake(key, in_quotes(word) + " is not known: write one of " + list_of(words));
  return std::nullopt;
}

std::optional<std::vector<std::size_t>> ObjectReader::all_chosen(std::string_view key,
                                                                 const std::vector<std::string_view>& words) {
  const json* list = find(key);
  if (list == nullptr) return std::nullopt;
  if (!list->is_array()) {
    mistake(key, "expected a list of " + list_of(words) + ", not " + std::string(kind_of(*list)));
    return std::nullopt;
  }
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& element = (*list)[i];
    const std::string place = std::string(key) + "[" + std::to_string(i) + "]";
    if (!element.is_string()) {
      mistake(place, "expected one of " + list_of(words) + ", not " + std::string(kind_of(element)));
      continue;
    }
    const auto& word = element.get_ref<const std::string&>();
    if (const auto index = index_of(word, words)) {
      chosen.push_back(*index);
    } else {
      mistake(place, in_quotes(word) + " is not known: write one of " + list_of(words));
    }
  }
  return chosen;
}

}  // namespace sluice::config
