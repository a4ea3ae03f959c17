#include "http2/field_list.h"

#include <algorithm>
#include <limits>

#include "http/chars.h"
#include "http/fields.h"
#include "http/message.h"

namespace sluice::http2 {

using http::FieldId;

void FieldList::clear(std::size_t size) {
  fields_.clear();
  names_.clear();
  names_.reserve(size);  // all names together are shorter than the text
  length_.reset();
  authority_ = {};
}

std::string_view FieldList::lower(std::string_view name) {
  if (std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return name;
  const std::size_t at = names_.size();
  for (const char c : name) names_ += http::to_lower(c);
  return std::string_view(names_).substr(at);
}

// Lines up to the empty one or the end. What is about the connection stays behind: RFC 9113 section 8.2.2.
bool FieldList::take_lines(std::string_view lines) {
  while (!lines.empty() && !lines.starts_with("\r\n")) {
    const std::size_t end = lines.find("\r\n");
    const std::size_t colon = lines.find(':');
    if (end == std::string_view::npos || colon >= end || colon == 0) return false;
    const std::string_view name = lines.substr(0, colon);
    std::string_view value = lines.substr(colon + 1, end - colon - 1);
    while (!value.empty() && http::is_blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && http::is_blank(value.back())) value.remove_suffix(1);
    lines.remove_prefix(end + 2);
    const FieldId id = http::field_id(name);
    switch (id) {
      case FieldId::kConnection:
      case FieldId::kKeepAlive:
      case FieldId::kProxyConnection:
      case FieldId::kTransferEncoding:
      case FieldId::kUpgrade:
      case FieldId::kHttp2Settings:
        continue;
      case FieldId::kTe: {
        const bool trailers = !http::for_each_token(
            value, [](std::string_view token) { return !http::equals_ignoring_case(token, "trailers"); });
        if (trailers) fields_.push_back({"te", "trailers"});
        continue;
      }
      case FieldId::kHost:
        authority_ = value;
        continue;
      case FieldId::kContentLength:
        length_ = http::parse_digits(value, std::numeric_limits<std::int64_t>::max());
        break;
      default:
        break;
    }
    fields_.push_back({id == FieldId::kOther ? lower(name) : http::name_of(id), value});
  }
  return true;
}

bool FieldList::response(std::string_view text, bool tunnel) {
  clear(text.size());
  // "HTTP/1.1 200 OK\r\n"
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos || end < 12) return false;
  std::string_view status = text.substr(9, 3);
  if (tunnel && status == "101") {
    status = "200";
  } else if (tunnel && status.front() == '2') {
    status = "502";
  }
  fields_.push_back({":status", status});
  if (!take_lines(text.substr(end + 2))) return false;
  if (!tunnel) return true;
  // The handshake of HTTP/1 was between us and the server: RFC 8441 section 5.
  std::erase_if(fields_, [](const FieldPair& field) { return field.name == "sec-websocket-accept"; });
  return true;
}

bool FieldList::request(std::string_view text, std::string_view scheme, bool tunnel) {
  clear(text.size());
  const std::string_view line = text.substr(0, text.find("\r\n"));
  const std::size_t space = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (space == std::string_view::npos || last == space || line.size() == text.size()) return false;
  fields_.push_back({":method", tunnel ? "CONNECT" : line.substr(0, space)});
  fields_.push_back({":scheme", scheme});
  fields_.push_back({":authority", {}});
  fields_.push_back({":path", line.substr(space + 1, last - space - 1)});
  if (tunnel) fields_.push_back({":protocol", "websocket"});
  if (!take_lines(text.substr(line.size() + 2))) return false;
  if (authority_.empty()) {
    fields_.erase(fields_.begin() + 2);
  } else {
    fields_[2].value = authority_;
  }
  if (tunnel)
    std::erase_if(fields_, [](const FieldPair& field) { return field.name == "sec-websocket-key"; });
  return true;
}

bool FieldList::trailers(std::string_view lines) {
  clear(lines.size());
  return take_lines(lines);
}

}  // namespace sluice::http2
