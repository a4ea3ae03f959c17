// Fields of HTTP/2 made into the text of HTTP/1 and back: what is let through is one head, says what the fields said,
// and is refused where RFC 9113 wants it. An input is a byte that tells what the fields are of, then name FD value FE,
// over and over.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/heads.h"
#include "http2/field_list.h"
#include "http2/head_text.h"

namespace sluice::fuzz {
namespace {

using http2::Fault;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kLimit = 16384;
constexpr std::string_view kKey = "AAAAAAAAAAAAAAAAAAAAAA==";

Fields read_fields(std::string_view text) {
  Fields fields;
  for (const std::string_view field : split(text, "\xfe")) {
    const std::size_t middle = field.find('\xfd');
    if (middle != std::string_view::npos)
      fields.emplace_back(field.substr(0, middle), field.substr(middle + 1));
  }
  return fields;
}

// --- the rules once more, as short and as slow as RFC 9113 says them ---

bool pseudo(const std::string& name) { return name.starts_with(":"); }

bool naive_scheme(std::string_view text) {
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text[0]))) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") ==
         std::string_view::npos;
}

bool naive_visible(std::string_view text) {  // as the target of a request line
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
  return true;
}

// Sections 8.2.1 and 8.2.2.
bool naive_field(const std::string& name, const std::string& value) {
  if (!naive_token(name) || name != lower(name) || !naive_value(value) || trimmed(value) != value)
    return false;
  if (name == "te") return lower(value) == "trailers";
  for (const char* const about_connection :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
    if (name == about_connection) return false;
  return true;
}

// Section 8.3: pseudo fields come first, once each, and only known ones.
bool naive_order(const Fields& fields, const std::vector<std::string>& known) {
  std::map<std::string, int> seen;
  bool late = false;
  for (const auto& [name, value] : fields) {
    late = late || !pseudo(name);
    if (!pseudo(name)) continue;
    if (late || ++seen[name] > 1) return false;
    if (std::find(known.begin(), known.end(), name) == known.end()) return false;
  }
  return true;
}

const std::string* value_of(const Fields& fields, std::string_view name) {
  for (const auto& [n, value] : fields)
    if (n == name) return &value;
  return nullptr;
}

// Section 8.3.1 and RFC 8441 section 4. What a host may be is for the parser behind to say.
bool naive_request(const Fields& fields, bool secure) {
  if (!naive_order(fields, {":method", ":scheme", ":authority", ":path", ":protocol"})) return false;
  for (const auto& [name, value] : fields)
    if (!pseudo(name) && !naive_field(name, value)) return false;
  const auto *method = value_of(fields, ":method"), *scheme = value_of(fields, ":scheme"),
             *authority = value_of(fields, ":authority"), *path = value_of(fields, ":path"),
             *protocol = value_of(fields, ":protocol");
  if (method == nullptr || !naive_token(*method)) return false;
  if (authority != nullptr && (!naive_value(*authority) || trimmed(*authority) != *authority)) return false;
  for (const auto& [name, value] : fields)
    if (name == "host" && authority != nullptr && lower(value) != lower(*authority)) return false;
  if (*method == "CONNECT" && protocol == nullptr)
    return scheme == nullptr && path == nullptr && authority != nullptr && !authority->empty() &&
           naive_visible(*authority);
  if (scheme == nullptr || path == nullptr || !naive_scheme(*scheme)) return false;
  if (protocol != nullptr && (*method != "CONNECT" || authority == nullptr || *protocol != "websocket" ||
                              value_of(fields, "content-length") != nullptr))
    return false;
  // A request for another scheme than the connection's has its authority in the request line.
  if (lower(*scheme) != (secure ? "https" : "http") && authority != nullptr &&
      (authority->empty() || !naive_visible(*authority)))
    return false;
  return (*path == "*" && *method == "OPTIONS") || (path->starts_with("/") && naive_visible(*path));
}

std::string joined(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) out.append(name).append(": ").append(value).append("\n");
  return out;
}

// --- requests ---

Fault text_of(const Fields& fields, bool ends, bool secure, std::string& text) {
  http2::RequestText request;
  request.begin(kLimit, secure);
  for (const auto& [name, value] : fields) request.add(name, value);
  const Fault fault = request.finish(ends, kKey);
  text = request.text();
  return fault;
}

// What the text has to say beside what the fields say themselves.
bool ours(const std::string& name) {
  return name == "host" || name == "cookie" || name == "transfer-encoding" || name == "connection" ||
         name == "upgrade" || name == "sec-websocket-key";
}

void check_cookies(const Fields& fields, const NaiveHead& head) {
  std::string all;
  for (const auto& [name, value] : fields)
    if (name == "cookie") all += (all.empty() ? "" : "; ") + value;
  const auto found = head.values("cookie");
  require(found.size() == (all.empty() ? 0U : 1U), "crumbs are one cookie");
  if (!all.empty()) require_same(found[0], trimmed(all), "with all of them");
}

// Fields again, text again: nothing is left to change.
void check_back(const std::string& text, bool ends, bool secure) {
  http2::FieldList list;
  require(list.request(text, secure ? "https" : "http"), "our own text is taken apart");
  Fields again;
  for (const auto& field : list.fields()) again.emplace_back(field.name, field.value);
  std::string second;
  require(text_of(again, ends, secure, second) == Fault::kNone, "fields of our own text are good");
  const auto one = read_naively(text, true), two = read_naively(second, true);
  require(one && two, "and their text is a head");
  require_same(two->start_line, one->start_line, "with the same request line");
  const auto rest = [](const NaiveHead& head) {
    Fields kept;
    for (const auto& [name, value] : head.fields)
      if (name != "cookie" && name != "host" && name != "http2-settings")
        kept.emplace_back(name, name == "te" ? lower(value) : value);
    return joined(kept);
  };
  require_same(rest(*two), rest(*one), "and the same fields");
  require(two->values("cookie") == one->values("cookie"), "and the same cookie");
}

void check_request(const Fields& fields, bool ends, bool secure) {
  std::string text;
  const Fault fault = text_of(fields, ends, secure, text);
  if (fault == Fault::kTooLarge) return;
  // An unknown protocol is no fault of form: its owner answers it.
  require((fault == Fault::kNone) == naive_request(fields, secure),
          "what RFC 9113 allows passes, and nothing else");
  if (fault != Fault::kNone) return;

  const auto head = read_naively(text, true);
  require(head && head->size == text.size(), "the text is one whole head");
  const bool tunnel = value_of(fields, ":protocol") != nullptr;
  Fields wanted, got;
  for (const auto& field : fields)
    if (!pseudo(field.first) && !ours(field.first)) wanted.push_back(field);
  for (const auto& [name, value] : head->fields)
    if (!ours(name) || (name == "sec-websocket-key" && value != kKey)) got.emplace_back(name, value);
  if (!tunnel && value_of(fields, "sec-websocket-key") != nullptr)
    std::erase_if(got, [](const auto& field) { return field.first == "sec-websocket-key"; });
  require_same(joined(got), joined(wanted), "the fields pass, in their order");
  check_cookies(fields, *head);

  const std::string& method = *value_of(fields, ":method");
  require_same(split(head->start_line, " ")[0], tunnel ? "GET" : method, "the method");
  const bool framed = value_of(fields, "content-length") != nullptr;
  const bool chunked = !ends && !framed && !tunnel && method != "CONNECT";
  require(head->values("transfer-encoding").size() == (chunked ? 1U : 0U), "what has no length is chunked");
  if (const auto* authority = value_of(fields, ":authority"))
    require(head->values("host") == std::vector{*authority}, "one host, and it is :authority");

  http::RequestParser parser(kWidest);
  const Parse answer = parser.parse(text);
  require(answer != Parse::kIncomplete, "the parser has all it needs");
  if (answer == Parse::kDone) {
    require(parser.head().size() == text.size(), "and nothing is left behind the head");
    const http::RequestFacts facts = http::request_facts(parser.head());
    if (facts.verdict == http::Verdict::kOk && tunnel) require(facts.wants_upgrade, "a tunnel is an upgrade");
    if (facts.verdict == http::Verdict::kOk && !tunnel) {
      require(!facts.wants_upgrade, "and nothing else is");
      require((facts.framing == http::Framing::kChunked) == chunked, "the framing is the stream's");
    }
  } else {
    require(head->fields.size() > http::kMaxFields || split(head->start_line, " ").size() != 3,
            "what is well-formed is refused by a limit only");
  }
  const bool absolute = split(head->start_line, " ")[1].find("://") != std::string_view::npos;
  if (!tunnel && !absolute && method != "CONNECT") check_back(text, ends, secure);
}

// --- responses and trailers ---

bool naive_response(const Fields& fields, bool ends) {
  if (!naive_order(fields, {":status"})) return false;
  for (const auto& [name, value] : fields)
    if (!pseudo(name) && (!naive_field(name, value) || name == "te")) return false;
  const auto* status = value_of(fields, ":status");
  if (status == nullptr || status->size() != 3 || *status == "101") return false;
  if (status->find_first_not_of("0123456789") != std::string::npos || *status < "100") return false;
  return *status >= "200" || !ends;
}

void check_response(const Fields& fields, bool ends, bool to_head) {
  http2::ResponseText response;
  response.begin(kLimit);
  for (const auto& [name, value] : fields) response.add(name, value);
  const Fault fault = response.finish(ends, to_head ? http::Method::kHead : http::Method::kGet);
  if (fault == Fault::kTooLarge) return;
  require((fault == Fault::kNone) == naive_response(fields, ends),
          "what RFC 9113 allows passes, and nothing else");
  if (fault != Fault::kNone) return;

  const std::string text(response.text());
  const auto head = read_naively(text, false);
  require(head && head->size == text.size(), "the text is one whole head");
  Fields wanted;
  for (const auto& field : fields)
    if (!pseudo(field.first)) wanted.push_back(field);
  const bool framed = value_of(fields, "content-length") != nullptr;
  Fields got(head->fields.begin(), head->fields.end());
  if (!framed) std::erase_if(got, [](const auto& f) { return f.first == "content-length"; });
  std::erase_if(got, [](const auto& f) { return f.first == "transfer-encoding"; });
  require_same(joined(got), joined(wanted), "the fields pass, in their order");
  require(
      head->values("transfer-encoding").size() + (framed ? 1U : head->values("content-length").size()) <= 1,
      "framed once");

  http2::FieldList list;
  require(list.response(text, false), "it is taken apart");
  Fields again;
  for (const auto& field : list.fields()) again.emplace_back(field.name, field.value);
  if (!framed) std::erase_if(again, [](const auto& f) { return f.first == "content-length"; });
  wanted.insert(wanted.begin(), {":status", *value_of(fields, ":status")});
  std::erase_if(wanted, [](const auto& f) { return f.first == "host" || f.first == "http2-settings"; });
  require_same(joined(again), joined(wanted), "into the same fields");
}

void check_trailers(const Fields& fields) {
  http2::TrailerText trailers;
  trailers.begin(kLimit);
  bool good = true;
  for (const auto& [name, value] : fields) {
    trailers.add(name, value);
    good = good && naive_field(name, value);
  }
  if (trailers.fault() == Fault::kTooLarge) return;
  require((trailers.fault() == Fault::kNone) == good, "what RFC 9113 allows passes, and nothing else");
  if (!good) return;
  const std::string text(trailers.text());
  require_same(
      text,
      [&] {
        std::string lines;
        for (const auto& [name, value] : fields) lines.append(name).append(": ").append(value).append("\r\n");
        return lines;
      }(),
      "lines are the fields");
  std::string kept;
  require(fields.size() > http::kMaxFields || http::filter_trailers(text, kept),
          "trailers by HTTP/1's rules");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice::fuzz;
  if (size == 0) return 0;
  const auto fields = read_fields({reinterpret_cast<const char*>(data) + 1, size - 1});
  const bool one = (data[0] & 4) != 0, other = (data[0] & 8) != 0;
  switch (data[0] & 3) {
    case 0:
    case 1:
      check_request(fields, one, other);
      break;
    case 2:
      check_response(fields, one, other);
      break;
    default:
      check_trailers(fields);
  }
  return 0;
}
