#include "content/location.h"

#include "http/target.h"

namespace sluice::content {

namespace {

constexpr bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// What may stand in a path as it is: unreserved, sub-delims, ":", "@" and the separator. RFC 3986
// section 3.3.
constexpr bool is_path_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         is_one_of(c, "-._~!$&'()*+,;=:@/");
}

void append_encoded(std::string& out, char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('%');
  out.push_back(kHex[byte >> 4]);
  out.push_back(kHex[byte & 15]);
}

}  // namespace

std::string directory_location(std::string_view target) {
  const std::string_view path_and_query = http::split_target(target).path_and_query;
  std::string path;
  if (!http::normalise_path(path_and_query, path) || !path.starts_with('/')) return {};

  std::string out = "/";
  for (const char c : path) {
    if (c == '/' && out.back() == '/') continue;
    // "%2F" that normalise_path() kept, and "%" that it decoded, both come back from "%25" as they were.
    if (is_path_char(c))
      out.push_back(c);
    else
      append_encoded(out, c);
  }
  if (out.back() != '/') out.push_back('/');

  const std::size_t mark = path_and_query.find('?');
  if (mark == std::string_view::npos) return out;
  for (const char c : path_and_query.substr(mark)) {
    if (is_path_char(c) || is_one_of(c, "?%[]{}|^`"))  // encoded already; the last ones are no URI but in use
      out.push_back(c);
    else
      append_encoded(out, c);
  }
  return out;
}

}  // namespace sluice::content
