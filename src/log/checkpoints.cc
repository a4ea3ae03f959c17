#include "log/checkpoints.h"

#include <charconv>

#include "log/uuid.h"
#include "os/file.h"

namespace sluice::log {

namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The first line of `rest`, which it is taken from.
std::string_view take_line(std::string_view& rest) noexcept {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return trimmed(line);
}

std::optional<std::int64_t> number(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "key: value" or "key=value"
std::string_view value_of(std::string_view text, std::string_view key, char mark) noexcept {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t at = line.find(mark);
    if (at != std::string_view::npos && trimmed(line.substr(0, at)) == key)
      return trimmed(line.substr(at + 1));
  }
  return "";
}

}  // namespace

std::optional<std::string> read_text(const std::string& path) {
  const os::FileOr file = os::open_file(path);
  struct stat status {};
  int error = 0;
  if (file.error != 0 || !os::file_status(file.fd.get(), status, error) || !S_ISREG(status.st_mode))
    return std::nullopt;
  if (static_cast<std::uint64_t>(status.st_size) > kMostText) return std::nullopt;
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have != text.size()) {
    const os::IoResult result = os::read_at(file.fd.get(), std::span(text).subspan(have), have);
    if (!result.ok()) return std::nullopt;
    if (result.bytes == 0) break;
    have += result.bytes;
  }
  text.resize(have);
  return text;
}

std::map<std::string, std::int64_t, std::less<>> parse_offsets(std::string_view text) {
  std::map<std::string, std::int64_t, std::less<>> out;
  if (take_line(text) != "0") return out;
  const auto count = number(take_line(text));
  std::int64_t lines = 0;
  for (; !text.empty(); ++lines) {  // "topic partition offset"; a topic has no blanks
    std::string_view line = take_line(text);
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    const auto offset = last == std::string_view::npos ? std::nullopt : number(line.substr(last + 1));
    if (!offset || first == last) return {};
    std::string name(line.substr(0, last));
    name[first] = '-';
    out.insert_or_assign(std::move(name), *offset);
  }
  if (count != lines) out.clear();
  return out;
}

Uuid parse_topic_id(std::string_view text) noexcept {
  if (value_of(text, "version", ':') != "0") return {};
  return uuid_from_text(value_of(text, "topic_id", ':')).value_or(Uuid{});
}

std::string_view property(std::string_view text, std::string_view key) noexcept {
  return value_of(text, key, '=');
}

}  // namespace sluice::log
