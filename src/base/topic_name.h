// Names of topics. They are parts of directory names and of requests, so what may stand in them is small.
#pragma once

#include <algorithm>
#include <string_view>

namespace sluice {

// 1 to 249 of [a-zA-Z0-9._-], neither "." nor "..". Source: the same rule of Kafka's brokers.
constexpr bool is_topic_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

}  // namespace sluice
