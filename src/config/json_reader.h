// Reads the members of one JSON object into plain values, and notes every mistake with its place.
//
// A member that is absent or mistaken leaves its target as it was, so defaults live in config.h alone.
// Lifetime  borrows the JSON tree and the mistakes.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/mistakes.h"
#include "config/names.h"

namespace sluice::config {

class ObjectReader {
 public:
  // Notes a mistake when `value` is no object, and one for each key that `section` (keys.h) doesn't list.
  ObjectReader(const nlohmann::json& value, std::string place, std::string_view section, Mistakes& mistakes);

  // nullptr: absent. The key must be one of the section's.
  [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
  [[nodiscard]] std::string place_of(std::string_view key) const;
  void mistake(std::string_view key, std::string remedy) { mistakes_.add(place_of(key), std::move(remedy)); }
  [[nodiscard]] Mistakes& mistakes() noexcept { return mistakes_; }

  void text(std::string_view key, std::string& out);
  void flag(std::string_view key, bool& out);
  void duration(std::string_view key, std::chrono::milliseconds& out);

  template <std::unsigned_integral T>
  void size(std::string_view key, T& out) {
    if (const auto n = size_value(key, std::numeric_limits<T>::max())) out = static_cast<T>(*n);
  }
  template <std::unsigned_integral T>
  void size(std::string_view key, std::optional<T>& out) {
    if (const auto n = size_value(key, std::numeric_limits<T>::max())) out = static_cast<T>(*n);
  }
  template <std::integral T>
  void count(std::string_view key, T& out) {
    if (const auto n = count_value(key, std::numeric_limits<T>::max())) out = static_cast<T>(*n);
  }
  // `Target`: the enumeration, or an optional of it.
  template <typename Target, typename Enum, std::size_t N>
  void choice(std::string_view key, Target& out, const std::array<Name<Enum>, N>& names) {
    std::vector<std::string_view> words;
    for (const Name<Enum>& name : names) words.push_back(name.text);
    if (const auto index = chosen(key, words)) out = names[*index].value;
  }
  // A list of such words.
  template <typename Enum, std::size_t N>
  void choices(std::string_view key, std::vector<Enum>& out, const std::array<Name<Enum>, N>& names) {
    std::vector<std::string_view> words;
    for (const Name<Enum>& name : names) words.push_back(name.text);
    const auto indices = all_chosen(key, words);
    if (!indices) return;
    out.clear();
    for (const std::size_t index : *indices) out.push_back(names[index].value);
  }

 private:
  const nlohmann::json* find_text(std::string_view key, std::string_view wanted);
  std::optional<std::uint64_t> size_value(std::string_view key, std::uint64_t most);
  std::optional<std::uint64_t> count_value(std::string_view key, std::uint64_t most);
  std::optional<std::size_t> chosen(std::string_view key, const std::vector<std::string_view>& words);

  std::optional<std::vector<std::size_t>> all_chosen(std::string_view key,
                                                     const std::vector<std::string_view>& words);

  const nlohmann::json& value_;
  std::string place_;
  std::string_view section_;
  Mistakes& mistakes_;
};

// "a number", "an object", ...: for messages.
std::string_view kind_of(const nlohmann::json& value);

}  // namespace sluice::config
