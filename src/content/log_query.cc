#include "content/log_query.h"

#include <charconv>

#include "config/size.h"
#include "http/query.h"

namespace sluice::content {

namespace {

template <typename Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_offset(std::string_view text, LogQuery& out) noexcept {
  using From = LogQuery::From;
  if (text == "earliest" || text == "latest") {
    out.from = text == "latest" ? From::kLatest : From::kEarliest;
    return true;
  }
  const bool last = text.starts_with('-');
  if (last) text.remove_prefix(1);
  out.from = last ? From::kLast : From::kOffset;
  return !text.starts_with('-') && read_number(text, out.number);
}

bool read_format(std::string_view text, LogQuery& out) noexcept {
  out.format = text == "text" ? LogFormat::kText : text == "json" ? LogFormat::kJson : LogFormat::kBatches;
  return text == "batches" || text == "text" || text == "json";
}

// Empty: it is one, and right.
std::string read_parameter(std::string_view name, std::string_view value, LogQuery& out) {
  if (name == "offset")
    return read_offset(value, out)
               ? ""
               : "offset has to be a number, -N for the last N, \"earliest\" or \"latest\"";
  if (name == "format")
    return read_format(value, out) ? "" : "format has to be \"batches\", \"text\" or \"json\"";
  if (name == "max_bytes") {
    std::string remedy;
    const auto size = config::parse_size(value, remedy);
    out.most = size.value_or(0);
    return size ? "" : "max_bytes has to be a size, such as 65536 or 1MiB";
  }
  if (name == "follow") {
    out.follow = http::is_on(value);
    return out.follow || value == "0" ? "" : "follow has to be 1 or 0";
  }
  return std::string(name.substr(0, 64)) + " is no parameter: there are offset, format, max_bytes and follow";
}

}  // namespace

std::string read_log_query(std::string_view path, std::string_view query, LogQuery& out, bool& found) {
  found = true;
  std::string wrong;
  http::for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    wrong = read_parameter(name, value, out);
    return wrong.empty();
  });
  if (wrong.empty() && out.follow && out.most != UINT64_MAX)
    wrong = "max_bytes and follow exclude each other";

  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.find('/');
  out.topic = path.substr(0, slash);
  if (slash == std::string_view::npos) return wrong;
  std::int32_t partition = -1;
  found = read_number(path.substr(slash + 1), partition) && partition >= 0 && !out.topic.empty();
  out.partition = partition;
  return wrong;
}

}  // namespace sluice::content
