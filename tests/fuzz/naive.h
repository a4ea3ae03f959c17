// A second reading of HTTP/1 heads, as short and as slow as the grammar: whole strings, cut at line ends. It
// shares no code with src/, so that both being wrong in the same way is unlikely.
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::fuzz {

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Names that only this hop may write; CGI sees no difference between "-" and "_". `name` in lower case.
inline bool is_ours_to_say(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name.starts_with("x-forwarded-") || name.starts_with("x-client-cert-") || name == "x-client-cert" ||
         name == "client-cert" || name == "client-cert-chain";
}

inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

inline std::vector<std::string_view> split(std::string_view text, std::string_view by) {
  std::vector<std::string_view> parts;
  for (std::size_t at = text.find(by); at != std::string_view::npos; at = text.find(by)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + by.size());
  }
  parts.push_back(text);
  return parts;
}

inline bool naive_token(std::string_view text) {
  for (const char c : text)
    if (c == '\0' || (!std::isalnum(static_cast<unsigned char>(c)) &&
                      std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos))
      return false;
  return !text.empty();
}

// HTAB, SP, visible and obs-text.
inline bool naive_value(std::string_view text) {
  for (const char c : text)
    if (c != '\t' && std::iscntrl(static_cast<unsigned char>(c))) return false;
  return true;
}

// Digits, and no more than a file can be long.
inline bool naive_length(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  constexpr std::string_view kMost = "9223372036854775807";
  return text.size() < kMost.size() || (text.size() == kMost.size() && text <= kMost);
}

inline bool naive_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/1.") && std::isdigit(static_cast<unsigned char>(text[7]));
}

inline bool naive_request_line(std::string_view line) {
  const auto parts = split(line, " ");
  if (parts.size() != 3 || !naive_token(parts[0]) || parts[1].empty()) return false;
  for (const char c : parts[1])
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
  return naive_version(parts[2]);
}

// The space before an absent reason may be left out.
inline bool naive_status_line(std::string_view line) {
  if (line.size() < 12 || !naive_version(line.substr(0, 8)) || line[8] != ' ') return false;
  for (const char c : line.substr(9, 3))
    if (!std::isdigit(static_cast<unsigned char>(c))) return false;
  return line[9] != '0' && (line.size() == 12 || line[12] == ' ') && naive_value(line.substr(12));
}

struct NaiveHead {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> fields;
  std::size_t size = 0;

  [[nodiscard]] std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [n, value] : fields)
      if (lower(n) == name) found.push_back(value);
    return found;
  }
};

// nullopt: no complete, well-formed head stands at the front of `text`.
inline std::optional<NaiveHead> read_naively(std::string_view text, bool request) {
  NaiveHead head;
  std::string_view rest = text;
  for (int i = 0; request && i < 4 && rest.starts_with("\r\n"); ++i) rest.remove_prefix(2);
  const std::size_t end = rest.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  head.size = text.size() - rest.size() + end + 4;
  const auto lines = split(rest.substr(0, end), "\r\n");
  if (request ? !naive_request_line(lines[0]) : !naive_status_line(lines[0])) return std::nullopt;
  head.start_line = lines[0];
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos || !naive_token(lines[i].substr(0, colon))) return std::nullopt;
    const std::string_view value = trimmed(lines[i].substr(colon + 1));
    if (!naive_value(value)) return std::nullopt;
    head.fields.emplace_back(lines[i].substr(0, colon), value);
  }
  return head;
}

// Names that Connection fields list.
inline std::vector<std::string> connection_options(const NaiveHead& head) {
  std::vector<std::string> options;
  for (const std::string& value : head.values("connection"))
    for (const std::string_view option : split(value, ",")) options.push_back(lower(trimmed(option)));
  return options;
}

}  // namespace sluice::fuzz
