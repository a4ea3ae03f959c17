#include "log/record_json.h"

#include <algorithm>
#include <charconv>

#include "observe/json_text.h"

namespace sluice::log {

namespace {

void append_number(std::string& out, std::int64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_base64(std::string& out, std::string_view raw) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!raw.empty()) {
    const std::size_t n = std::min<std::size_t>(raw.size(), 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < n ? static_cast<unsigned char>(raw[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out.push_back(i <= n ? kDigits[bits >> (18 - 6 * i) & 63] : '=');
    raw.remove_prefix(n);
  }
}

// "name":"..." or "name_base64":"..." or "name":null
void append_member(std::string& out, std::string_view name, const std::optional<std::string_view>& value) {
  const bool text = !value || observe::is_text(*value);
  out.append("\"").append(name).append(text ? "\":" : "_base64\":");
  if (!value) {
    out.append("null");
    return;
  }
  out.push_back('"');
  if (text) {
    observe::append_escaped(out, *value);
  } else {
    append_base64(out, *value);
  }
  out.push_back('"');
}

}  // namespace

void append_json(std::string& out, const Record& record) {
  out.append(R"({"offset":)");
  append_number(out, record.offset);
  out.append(R"(,"timestamp":)");
  append_number(out, record.timestamp);
  out.push_back(',');
  append_member(out, "key", record.key);
  out.push_back(',');
  append_member(out, "value", record.value);
  out.append(R"(,"headers":[)");
  for (const Header& header : record.headers) {
    if (out.back() != '[') out.push_back(',');
    out.push_back('{');
    append_member(out, "key", header.key);
    out.push_back(',');
    append_member(out, "value", header.value);
    out.push_back('}');
  }
  out.append("]}");
}

}  // namespace sluice::log
