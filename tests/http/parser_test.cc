#include "http/parser.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "http/heads.h"

namespace sluice::http {
namespace {

using std::string_literals::operator""s;

template <typename Parser>
std::string whole(std::string_view text, const HeadLimits& limits = {}) {
  Parser parser(limits);
  return feed(parser, text, {text.size()});
}

// Same bytes in two pieces, at every place, and one by one.
template <typename Parser>
void check_cuts(std::string_view text, const HeadLimits& limits = {}) {
  const std::string expected = whole<Parser>(text, limits);
  std::vector<std::size_t> each;
  Parser parser(limits);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    each.push_back(cut);
    parser.reset();
    INFO("cut at " << cut << " of: " << text);
    REQUIRE(feed(parser, text, {cut, text.size()}) == expected);
  }
  parser.reset();
  INFO("byte by byte: " << text);
  CHECK(feed(parser, text, each) == expected);
}

struct Case {
  const char* rule;
  std::string text;
  std::string expected;
};

// "GET / HTTP/1.1" with one field line in question.
std::string with_line(const std::string& line) { return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n"; }

const std::vector<Case>& requests() {
  static const std::vector<Case> cases = {
      {"plain", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "done GET /a?b 1.1 [Host=x] size 30"},
      {"bytes behind the head are not touched", "GET / HTTP/1.0\r\n\r\nGET", "done GET / 1.0  size 18"},
      {"9112 2.2 empty lines before", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "done GET / 1.1  size 26"},
      {"9112 2.2 too many of them", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 2.2 bare LF before", "\nGET / HTTP/1.1\r\n\r\n", "refused bare-line-end"},
      {"9112 2.2 bare CR before", "\rGET / HTTP/1.1\r\n\r\n", "refused bare-line-end"},
      {"9112 2.3 later minor version", "GET / HTTP/1.7\r\n\r\n", "done GET / 1.7  size 18"},
      {"9112 2.3 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused bad-version"},
      {"9112 2.3 HTTP/0.9 by number", "GET / HTTP/0.9\r\n\r\n", "refused bad-version"},
      {"9112 2.3 two-digit minor", "GET / HTTP/1.10\r\n\r\n", "refused bad-request-line"},
      {"9112 2.3 case-sensitive", "GET / http/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 2.3 no minor", "GET / HTTP/1\r\n\r\n", "refused bad-request-line"},
      {"9112 3 HTTP/0.9", "GET /\r\n", "refused bad-request-line"},
      {"9112 3 only a method", "GET\r\n", "refused bad-request-line"},
      {"9112 3 empty target", "GET  HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3 second space", "GET /  HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3 space in the target", "GET /a b HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3 space at the end", "GET / HTTP/1.1 \r\n\r\n", "refused bad-request-line"},
      {"9112 3 tab as separator", "GET\t/ HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3 space before the method", " GET / HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3.1 unknown methods pass", "X-Y!z / HTTP/1.1\r\n\r\n", "done X-Y!z / 1.1  size 20"},
      {"9112 3.1 method is a token", "G@T / HTTP/1.1\r\n\r\n", "refused bad-request-line"},
      {"9112 3.2 fragment", "GET /a#b HTTP/1.1\r\n\r\n", "refused bad-target"},
      {"9112 3.2 NUL", "GET /\0a HTTP/1.1\r\n\r\n"s, "refused bad-target"},
      {"9112 3.2 raw UTF-8", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n", "refused bad-target"},
      {"9112 3.2 browsers leave these", "GET /?{a}|^`\"<> HTTP/1.1\r\n\r\n",
       "done GET /?{a}|^`\"<> 1.1  size 28"},
      {"9112 2.2 LF after the version", "GET / HTTP/1.1\n\n", "refused bare-line-end"},
      {"9112 2.2 CR alone after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", "refused bare-line-end"},
      {"9112 2.2 LF in the target", "GET /\nHost: a", "refused bare-line-end"},
      {"9112 2.2 space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "refused folded-line"},
      {"TLS ClientHello", "\x16\x03\x01\x02\x00\x01"s, "refused bad-request-line"},

      {"9110 5.5 white space around a value", with_line("a: \t b c\t \r\n"),
       "done GET / 1.1 [Host=a][a=b c] size 39"},
      {"9110 5.5 empty value", with_line("a:\r\nb: \r\n"), "done GET / 1.1 [Host=a][a=][b=] size 36"},
      {"9110 5.5 obs-text", with_line("a: \xc3\xa4\xff\r\n"),
       "done GET / 1.1 [Host=a][a=\xc3\xa4\xff] size 35"},
      {"9110 5.5 long value with tabs", with_line("a: 0123456789abcdef\t0123456789\r\n"),
       "done GET / 1.1 [Host=a][a=0123456789abcdef\t0123456789] size 59"},
      {"9112 5.1 no white space is needed", with_line("a:b:c\r\n"), "done GET / 1.1 [Host=a][a=b:c] size 34"},
      {"9112 5.1 space before the colon", with_line("a : b\r\n"), "refused bad-field-line"},
      {"9112 5.1 tab before the colon", with_line("a\t: b\r\n"), "refused bad-field-line"},
      {"9112 5.1 empty name", with_line(": b\r\n"), "refused bad-field-line"},
      {"9112 5.1 no colon", with_line("abc\r\n"), "refused bad-field-line"},
      {"9112 5.1 name is a token", with_line("a(b): c\r\n"), "refused bad-field-line"},
      {"9112 5.1 name of obs-text", with_line("\xc3\xa4: c\r\n"), "refused bad-field-line"},
      {"9112 5.2 obs-fold with a space", with_line("a: b\r\n c\r\n"), "refused folded-line"},
      {"9112 5.2 obs-fold with a tab", with_line("a: b\r\n\tTransfer-Encoding: chunked\r\n"),
       "refused folded-line"},
      {"9112 2.2 LF ends a field", with_line("a: b\nc: d\r\n"), "refused bare-line-end"},
      {"9112 2.2 CR inside a value", with_line("a: b\rc\r\n"), "refused bare-line-end"},
      {"9112 2.2 CR CR LF", with_line("a: b\r\r\n"), "refused bare-line-end"},
      {"9112 2.2 LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", "refused bare-line-end"},
      {"9112 2.2 CR without LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX", "refused bare-line-end"},
      {"9110 5.5 NUL in a value", with_line("a: b\0c\r\n"s), "refused bad-field-value"},
      {"9110 5.5 escape in a long value", with_line("a: 0123456789abcdef\x1b[31m\r\n"),
       "refused bad-field-value"},
      {"9110 5.5 DEL in a long value", with_line("a: 0123456789abcdef\x7f\r\n"), "refused bad-field-value"},
      {"9112 8 incomplete", "GET / HTTP/1.1\r\nHost: a\r\n", "incomplete"},
  };
  return cases;
}

const std::vector<Case>& responses() {
  static const std::vector<Case> cases = {
      {"plain", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", "done 200 'OK' 1.1 [A=b] size 25"},
      {"9112 4 empty reason", "HTTP/1.1 404 \r\n\r\n", "done 404 '' 1.1  size 17"},
      {"9112 4 no space before no reason", "HTTP/1.0 404\r\n\r\n", "done 404 '' 1.0  size 16"},
      {"9112 4 reason with obs-text", "HTTP/1.1 200 tr\xe8s bien\r\n\r\n",
       "done 200 'tr\xe8s bien' 1.1  size 26"},
      {"9110 15 beyond 599", "HTTP/1.1 999 No\r\n\r\n", "done 999 'No' 1.1  size 19"},
      {"9110 15 below 100", "HTTP/1.1 099 No\r\n\r\n", "refused bad-status-line"},
      {"9112 4 four digits", "HTTP/1.1 2000 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 4 two digits", "HTTP/1.1 20 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 4 sign", "HTTP/1.1 +20 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 4 two spaces", "HTTP/1.1  200 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 4 control in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", "refused bad-status-line"},
      {"9112 4 LF ends the line", "HTTP/1.1 200 OK\n\n", "refused bare-line-end"},
      {"9112 4 LF without a reason", "HTTP/1.1 200\n\n", "refused bare-line-end"},
      {"9112 2.2 empty line before", "\r\nHTTP/1.1 200 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 2.3 HTTP/2", "HTTP/2 200\r\n\r\n", "refused bad-version"},
      {"9112 2.3 no version", "ICY 200 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 2.3 two-digit minor", "HTTP/1.11 200 OK\r\n\r\n", "refused bad-status-line"},
      {"9112 5.2 obs-fold", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", "refused folded-line"},
      {"9112 5.1 space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
       "refused bad-field-line"},
  };
  return cases;
}

TEST_CASE("request heads: each rule of RFC 9110 and 9112 has its answer", "[http]") {
  for (const Case& c : requests()) {
    INFO(c.rule);
    CHECK(whole<RequestParser>(c.text) == c.expected);
  }
}

TEST_CASE("response heads: each rule of RFC 9110 and 9112 has its answer", "[http]") {
  for (const Case& c : responses()) {
    INFO(c.rule);
    CHECK(whole<ResponseParser>(c.text) == c.expected);
  }
}

TEST_CASE("a head cut anywhere comes out as the whole one does", "[http]") {
  for (const Case& c : requests()) check_cuts<RequestParser>(c.text);
  for (const Case& c : responses()) check_cuts<ResponseParser>(c.text);
  const HeadLimits tight{.head = 40, .target = 5, .fields = 2};
  for (const Case& c : requests()) check_cuts<RequestParser>(c.text, tight);
}

TEST_CASE("limits are exact, and known as soon as they are passed", "[http]") {
  const std::string head = "GET /4567 HTTP/1.1\r\na: b\r\nc: d\r\n\r\n";
  const std::string done = "done GET /4567 1.1 [a=b][c=d] size 34";
  const std::string cut = head.substr(0, head.size() - 1);
  REQUIRE(head.size() == 34);
  CHECK(whole<RequestParser>(head, {.head = 34}) == done);
  CHECK(whole<RequestParser>(head + "xyz", {.head = 34}) == done);
  CHECK(whole<RequestParser>(head, {.head = 33}) == "refused head-too-large");
  CHECK(whole<RequestParser>(cut, {.head = 34}) == "incomplete");
  CHECK(whole<RequestParser>(cut, {.head = 33}) == "refused head-too-large");
  CHECK(whole<RequestParser>(head, {.target = 5}) == done);
  CHECK(whole<RequestParser>(head, {.target = 4}) == "refused target-too-long");
  CHECK(whole<RequestParser>("GET /4567", {.target = 4}) == "refused target-too-long");
  CHECK(whole<RequestParser>("GET /456", {.target = 4}) == "incomplete");
  CHECK(whole<RequestParser>("GET /456789", {.head = 11, .target = 99}) == "refused target-too-long");
  CHECK(whole<RequestParser>(head, {.fields = 2}) == done);
  CHECK(whole<RequestParser>(head, {.fields = 1}) == "refused too-many-fields");

  std::string many = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < kMaxFields; ++i) many += "a: b\r\n";
  CHECK(whole<RequestParser>(many, {.fields = 1000}) == "incomplete");
  CHECK(whole<RequestParser>(many + "a", {.fields = 1000}) == "refused too-many-fields");

  const std::string huge = "GET / HTTP/1.1\r\na: " + std::string(70000, 'b');
  CHECK(whole<RequestParser>(huge, {.head = 1 << 20}) == "refused head-too-large");
}

TEST_CASE("rubbish is refused at its first illegal byte, not at the end of its line", "[http]") {
  for (const auto& [text, verdict] : std::vector<std::pair<std::string, std::string>>{
           {"\x16", "refused bad-request-line"},
           {"GET /\x01", "refused bad-target"},
           {"GET / HTTQ", "refused bad-request-line"},
           {"GET / HTTP/1.1\r\na ", "refused bad-field-line"},
           {"GET / HTTP/1.1\r\na: \x01", "refused bad-field-value"}}) {
    INFO(text);
    CHECK(whole<RequestParser>(text.substr(0, text.size() - 1)) == "incomplete");
    CHECK(whole<RequestParser>(text) == verdict);
  }
}

TEST_CASE("a refused head stays refused, and a reset parser has forgotten it", "[http]") {
  const std::string bad = "GET / HTTP/1.1\r\n x", good = "PUT /b HTTP/1.0\r\nA: b\r\n\r\n";
  RequestParser parser({});
  CHECK(parser.parse(bad) == Parse::kRefused);
  CHECK(parser.parse(good) == Parse::kRefused);
  parser.reset();
  CHECK(parser.head().view(parser.head().target).empty());
  REQUIRE(parser.parse(good) == Parse::kDone);
  CHECK(describe(parser.head()) == "PUT /b 1.0 [A=b] size 25");
  CHECK(parser.head().method == Method::kPut);
}

TEST_CASE("a copy of a parser goes on where the original stood", "[http]") {
  const std::string text = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  RequestParser shared({});
  REQUIRE(shared.parse(std::string_view(text).substr(0, 19)) == Parse::kIncomplete);
  RequestParser copy = shared;
  shared.reset();
  REQUIRE(copy.parse(text) == Parse::kDone);
  CHECK(describe(copy.head()) == "GET /a 1.1 [Host=x] size 28");
}

TEST_CASE("a connection is idle until a head begins", "[http]") {
  RequestParser parser({});
  CHECK(parser.parse("") == Parse::kIncomplete);
  CHECK(parser.idle());
  CHECK(parser.parse("\r\n") == Parse::kIncomplete);
  CHECK(parser.idle());
  CHECK(parser.parse("\r\nG") == Parse::kIncomplete);
  CHECK_FALSE(parser.idle());
  parser.reset();
  CHECK(parser.idle());
}

TEST_CASE("methods and field names are known by their exact text", "[http]") {
  for (const auto& [text, method] : std::vector<std::pair<std::string, Method>>{{"GET", Method::kGet},
                                                                                {"HEAD", Method::kHead},
                                                                                {"POST", Method::kPost},
                                                                                {"PUT", Method::kPut},
                                                                                {"DELETE", Method::kDelete},
                                                                                {"CONNECT", Method::kConnect},
                                                                                {"OPTIONS", Method::kOptions},
                                                                                {"TRACE", Method::kTrace},
                                                                                {"PATCH", Method::kPatch},
                                                                                {"get", Method::kOther},
                                                                                {"GETS", Method::kOther}}) {
    RequestParser parser({});
    REQUIRE(parser.parse(text + " / HTTP/1.1\r\n\r\n") == Parse::kDone);
    INFO(text);
    CHECK(parser.head().method == method);
  }
  CHECK(field_id("hOsT") == FieldId::kHost);
  CHECK(field_id("X-Forwarded-Proto") == FieldId::kXForwardedProto);
  CHECK(field_id("accept-ranges") == FieldId::kAcceptRanges);
  CHECK(field_id("transfer-encoding") == FieldId::kTransferEncoding);
  CHECK(field_id("transfer_encoding") == FieldId::kOther);
  CHECK(field_id("hosts") == FieldId::kOther);
  CHECK(field_id("hest") == FieldId::kOther);  // length, first and last letter of "host"
  CHECK(field_id("") == FieldId::kOther);
}

}  // namespace
}  // namespace sluice::http
