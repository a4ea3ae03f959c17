#include "serve/router.h"

#include <algorithm>
#include <array>

namespace sluice::serve {

namespace {

constexpr std::size_t kLongestHost = 255;  // RFC 1035 section 2.3.4

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return lower(c); });
  return text;
}

std::string_view bare_name(std::string_view host) noexcept {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = host.substr(0, colon);
  }
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);  // the root's own dot: the same name
  return host;
}

}  // namespace

Router::Router(const std::vector<config::Route>& routes) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const config::Route& route = routes[i];
    Paths* paths = &any_;
    if (route.host.starts_with("*.")) {
      paths = &wildcards_[lower(route.host.substr(1))];
    } else if (!route.host.empty()) {
      paths = &hosts_[lower(route.host)];
    }
    paths->emplace(route.path, i);  // the first of two equal ones; validate() refuses them anyway
  }
}

std::size_t Router::match(std::string_view host, std::string_view path) const noexcept {
  std::array<char, kLongestHost> buffer;
  host = bare_name(host);
  if (host.size() <= buffer.size() && (!hosts_.empty() || !wildcards_.empty())) {
    std::transform(host.begin(), host.end(), buffer.begin(), [](char c) { return lower(c); });
    const std::string_view name(buffer.data(), host.size());
    if (const auto exact = hosts_.find(name); exact != hosts_.end()) {
      if (const std::size_t found = match_path(exact->second, path); found != npos) return found;
    }
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      const auto below = wildcards_.find(name.substr(dot));
      if (below == wildcards_.end()) continue;
      if (const std::size_t found = match_path(below->second, path); found != npos) return found;
    }
  }
  return match_path(any_, path);
}

// "/a/b" tries "/a/b", "/a/", "/a", "/": a prefix ends where a segment does, with or without its slash.
std::size_t Router::match_path(const Paths& paths, std::string_view path) noexcept {
  if (paths.empty()) return npos;
  for (;;) {
    if (const auto found = paths.find(path); found != paths.end()) return found->second;
    if (path.size() <= 1) return npos;
    const std::size_t slash = path.substr(0, path.size() - 1).rfind('/');
    if (path.back() == '/') {
      path.remove_suffix(1);
    } else if (slash == std::string_view::npos) {
      return npos;
    } else {
      path = path.substr(0, slash + 1);
    }
  }
}

}  // namespace sluice::serve
