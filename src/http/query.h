// The parameters of a target's query: "?a=1&b", as they were written.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::http {

// Behind the first "?"; empty when there is none.
constexpr std::string_view query_of(std::string_view path_and_query) noexcept {
  const std::size_t mark = path_and_query.find('?');
  return mark == std::string_view::npos ? std::string_view() : path_and_query.substr(mark + 1);
}

// Calls `each(name, value)` for every parameter; `value` is empty both for "a" and for "a=". Nothing is decoded: for
// parameters whose names and values need no escapes. Stops when `each` returns false; returns whether it ran to the end.
template <typename Each>
bool for_each_parameter(std::string_view query, Each each) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (one.empty()) continue;
    const std::size_t equals = one.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1);
    if (!each(one.substr(0, equals), value)) return false;
  }
  return true;
}

// "?follow" and "?follow=1" ask for it; another value does not.
constexpr bool is_on(std::string_view value) noexcept { return value.empty() || value == "1"; }

}  // namespace sluice::http
