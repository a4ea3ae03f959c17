// Fields of an HTTP/2 request: what becomes of them is one HTTP/1 head that says what they said, or none.
//
// A flag byte, then fields: names end at 0x1f, values at 0x1e.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/inputs.h"
#include "fuzz/require.h"
#include "http/message.h"
#include "http/parser.h"
#include "http2/field_list.h"
#include "http2/head_text.h"

namespace sluice::fuzz {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::size_t kLimit = 16384;

Fields fields_in(std::string_view input) {
  Fields out;
  while (!input.empty()) {
    const std::string_view field = input.substr(0, input.find('\x1e'));
    input.remove_prefix(std::min(input.size(), field.size() + 1));
    const std::size_t end = field.find('\x1f');
    out.emplace_back(field.substr(0, end), end == std::string_view::npos ? "" : field.substr(end + 1));
  }
  return out;
}

std::string_view value_of(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
  return found == fields.end() ? std::string_view() : found->second;
}

// Every line of the head was asked for, or is ours to add.
void check_lines(const http::RequestHead& head, const Fields& fields) {
  for (const http::Field& field : head.fields()) {
    const std::string_view name = head.name(field), value = head.value(field);
    const bool given = std::ranges::any_of(
        fields, [&](const auto& one) { return one.first == name && one.second == value; });
    const bool ours = name == "host" || name == "cookie" || name == "connection" || name == "upgrade" ||
                      name == "sec-websocket-key" || (name == "transfer-encoding" && value == "chunked");
    require(given || ours, "a line nobody asked for");
  }
}

void check_request(const Fields& fields, bool ends, bool secure) {
  http2::RequestText text;
  text.begin(kLimit, secure);
  for (const auto& [name, value] : fields) text.add(name, value);
  if (text.finish(ends, "AAAAAAAAAAAAAAAAAAAAAA==") != http2::Fault::kNone) return;
  require(text.text().size() <= kLimit, "within the limit");
  http::RequestParser parser({.head = kLimit, .target = kLimit});
  const http::Parse parsed = parser.parse(text.text());
  require(parsed != http::Parse::kIncomplete, "a whole head");
  if (parsed == http::Parse::kRefused) return;
  const http::RequestHead& head = parser.head();
  require(head.size() == text.text().size(), "one head, and nothing behind it");
  check_lines(head, fields);
  const http::RequestFacts facts = http::request_facts(head);
  if (facts.verdict != http::Verdict::kOk) return;
  require(facts.framing == http::Framing::kNone || !ends || facts.framing == http::Framing::kLength,
          "what has ended has no body of unknown length");
  const std::string_view authority = value_of(fields, ":authority");
  require(authority.empty() || facts.host == authority, "the host is the authority");
  if (!text.extended_connect()) {
    require(head.view(head.method_text) == value_of(fields, ":method"), "the method");
    // A target in absolute form without a path means "*" for OPTIONS.
    require(facts.path_and_query == value_of(fields, ":path"), "the path");
  }
  http2::FieldList list;
  require(list.request(text.text(), "http"), "the way back");
  for (const http2::FieldPair& field : list.fields())
    require(std::ranges::none_of(field.name, [](char c) { return c >= 'A' && c <= 'Z'; }), "lower case");
}

void check_response(const Fields& fields, bool ends) {
  http2::ResponseText text;
  text.begin(kLimit);
  for (const auto& [name, value] : fields) text.add(name, value);
  if (text.finish(ends, http::Method::kGet) != http2::Fault::kNone) return;
  http::ResponseParser parser({.head = kLimit});
  const http::Parse parsed = parser.parse(text.text());
  require(parsed != http::Parse::kIncomplete, "a whole head");
  if (parsed != http::Parse::kDone) return;
  require(parser.head().size() == text.text().size(), "one head, and nothing behind it");
  http2::FieldList list;
  require(list.response(text.text(), false), "the way back");
  require(list.fields().front().value == value_of(fields, ":status"), "the status");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto fields = sluice::fuzz::fields_in(input.substr(1));
  const bool ends = (data[0] & 1) != 0, secure = (data[0] & 2) != 0;
  sluice::fuzz::check_request(fields, ends, secure);
  sluice::fuzz::check_response(fields, ends);
  return 0;
}
