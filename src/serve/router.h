// Which route a request takes: the most specific host, then the longest path prefix. Pure.
//
// Cost      one hash look-up for each segment of the path and each label of the host, however many routes
// there are.
// Lifetime  borrows the configuration it was built from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"

namespace sluice::serve {

class Router {
 public:
  explicit Router(const std::vector<config::Route>& routes);

  // `host` as the client sent it (any case, with or without port), `path` normalised. The route's index, or
  // npos.
  [[nodiscard]] std::size_t match(std::string_view host, std::string_view path) const noexcept;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  template <typename T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
  using Paths = Map<std::size_t>;  // prefix -> route

  [[nodiscard]] static std::size_t match_path(const Paths& paths, std::string_view path) noexcept;

  Map<Paths> hosts_;      // "a.example"
  Map<Paths> wildcards_;  // ".example", from "*.example"
  Paths any_;
};

}  // namespace sluice::serve
