#include "http/message.h"

#include <string>
#include <vector>

#include "catch.h"
#include "http/heads.h"

namespace sluice::http {
namespace {

std::string framing_of(Verdict verdict, Framing framing, std::uint64_t length) {
  if (verdict != Verdict::kOk) return name_of(verdict);
  switch (framing) {
    case Framing::kNone:
      return "none";
    case Framing::kLength:
      return "length " + std::to_string(length);
    case Framing::kChunked:
      return "chunked";
    case Framing::kUntilClose:
      return "until close";
  }
  return "?";
}

TEST_CASE("request framing: one length, one chunked, or nothing; all else is refused", "[http]") {
  struct Case {
    const char* fields;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"", "none"},
      {"Content-Length: 0\r\n", "length 0"},
      {"content-length: 0042\r\n", "length 42"},
      {"Content-Length: 9223372036854775807\r\n", "length 9223372036854775807"},
      {"Content-Length: 9223372036854775808\r\n", "bad-length"},
      {"Content-Length: 99999999999999999999999\r\n", "bad-length"},
      {"Content-Length:\r\n", "bad-length"},
      {"Content-Length: +5\r\n", "bad-length"},
      {"Content-Length: -1\r\n", "bad-length"},
      {"Content-Length: 0x5\r\n", "bad-length"},
      {"Content-Length: 1_0\r\n", "bad-length"},
      {"Content-Length: 5 5\r\n", "bad-length"},
      {"Content-Length: 5, 5\r\n", "bad-length"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "repeated-length"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "repeated-length"},
      {"Transfer-Encoding: chunked\r\n", "chunked"},
      {"Transfer-Encoding: CHUNKED\r\n", "chunked"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "length-and-coding"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "length-and-coding"},
      {"Transfer-Encoding: gzip, chunked\r\n", "unknown-coding"},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "unknown-coding"},
      {"Transfer-Encoding: identity\r\n", "unknown-coding"},
      {"Transfer-Encoding: xchunked\r\n", "unknown-coding"},
      {"Transfer-Encoding: x;q=1\r\n", "unknown-coding"},
      {"Transfer-Encoding: chunked, chunked\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked, gzip\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked;x=1\r\n", "bad-coding"},
      {"Transfer-Encoding: chunked,\r\n", "bad-coding"},
      {"Transfer-Encoding: ,chunked\r\n", "bad-coding"},
      {"Transfer-Encoding: \"chunked\"\r\n", "bad-coding"},
      {"Transfer-Encoding:\r\n", "bad-coding"},
  }));
  INFO(c.fields);
  const ParsedRequest request(std::string("POST / HTTP/1.1\r\nHost: a\r\n") + c.fields + "\r\n");
  const RequestFacts facts = request_facts(request.head());
  CHECK(framing_of(facts.verdict, facts.framing, facts.length) == c.expected);
}

TEST_CASE("a coding in HTTP/1.0 is refused in both directions", "[http]") {
  const ParsedRequest request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(request_facts(request.head()).verdict == Verdict::kCodingInHttp10);
  const ParsedResponse response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(response_facts(response.head(), Method::kGet).verdict == Verdict::kCodingInHttp10);
}

TEST_CASE("response framing follows the request's method, the status and the fields", "[http]") {
  struct Case {
    Method method;
    const char* head;
    const char* expected;
    bool has_length, keep_alive;
  };
  constexpr Method kGet = Method::kGet, kHead = Method::kHead;
  const auto c = GENERATE_COPY(values<Case>({
      {kGet, "1.1 200 OK\r\nContent-Length: 7\r\n", "length 7", true, true},
      {kGet, "1.1 200 OK\r\nContent-Length: 7\r\nConnection: x, Close\r\n", "length 7", true, false},
      {kGet, "1.0 200 OK\r\nContent-Length: 7\r\n", "length 7", true, false},
      {kGet, "1.0 200 OK\r\nContent-Length: 7\r\nConnection: Keep-Alive\r\n", "length 7", true, true},
      {kGet, "1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "chunked", false, true},
      {kGet, "1.1 200 OK\r\n", "until close", false, false},
      {kGet, "1.1 200 OK\r\nConnection: keep-alive\r\n", "until close", false, false},
      {kGet, "1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n", "length-and-coding", true,
       true},
      {kGet, "1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n", "repeated-length", true, true},
      {kGet, "1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", "unknown-coding", false, true},
      {kHead, "1.1 200 OK\r\nContent-Length: 7\r\n", "none", true, true},
      {kHead, "1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "none", false, true},
      {kHead, "1.1 200 OK\r\n", "none", false, true},
      {kHead, "1.1 200 OK\r\nContent-Length: 7x\r\n", "bad-length", true, true},
      {kGet, "1.1 204 No Content\r\n", "none", false, true},
      {kGet, "1.1 204 No Content\r\nContent-Length: 0\r\n", "none", false, true},
      {kGet, "1.1 204 No Content\r\nContent-Length: 7\r\n", "none", false, false},
      {kGet, "1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", "none", false, false},
      {kGet, "1.0 204 No Content\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n", "none", false,
       false},
      {kGet, "1.1 204 No Content\r\nContent-Length: 0\r\nContent-Length: 0\r\n", "repeated-length", false,
       true},
      {kGet, "1.1 304 Not Modified\r\nContent-Length: 7\r\n", "none", true, true},
      {kGet, "1.1 304 Not Modified\r\n", "none", false, true},
      {kGet, "1.1 100 Continue\r\n", "none", false, true},
      {kGet, "1.1 100 Continue\r\nContent-Length: 7\r\n", "none", false, false},
      {kHead, "1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n", "none", false, false},
      {kGet, "1.1 101 Switching Protocols\r\nContent-Length: 7\r\n", "none", false, false},
  }));
  INFO(c.head);
  const ParsedResponse response(std::string("HTTP/") + c.head + "\r\n");
  const ResponseFacts facts = response_facts(response.head(), c.method);
  CHECK(framing_of(facts.verdict, facts.framing, facts.length) == c.expected);
  CHECK(facts.keep_alive == c.keep_alive);
  if (facts.verdict == Verdict::kOk) CHECK(facts.has_length == c.has_length);
}

TEST_CASE("only 1xx other than 101 is interim", "[http]") {
  const auto interim = [](const char* status) {
    const ParsedResponse response(std::string("HTTP/1.1 ") + status + " x\r\n\r\n");
    return response_facts(response.head(), Method::kGet).interim;
  };
  CHECK(interim("100"));
  CHECK(interim("103"));
  CHECK_FALSE(interim("101"));
  CHECK_FALSE(interim("200"));
}

TEST_CASE("host and target: who is asked, and for what", "[http]") {
  struct Case {
    const char* head;
    const char* expected;  // verdict, or "host path"
  };
  const auto c = GENERATE(values<Case>({
      {"GET /a?b HTTP/1.1\r\nHost: x:80\r\n", "x:80 /a?b"},
      {"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n", "[::1]:8080 /"},
      {"GET / HTTP/1.0\r\n", " /"},
      {"GET / HTTP/1.1\r\n", "host-missing"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "host-repeated"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", "host-repeated"},
      {"GET / HTTP/1.1\r\nHost:\r\n", "bad-host"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n", "bad-host"},
      {"GET / HTTP/1.1\r\nHost: a,b\r\n", "a,b /"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n", "bad-host"},
      {"GET / HTTP/1.1\r\nHost: user@a\r\n", "bad-host"},
      {"GET / HTTP/1.1\r\nHost: http://a\r\n", "bad-host"},
      // RFC 9112 section 3.2.2: absolute-form wins, but Host has to be there.
      {"GET http://b:81/c?d HTTP/1.1\r\nHost: a\r\n", "b:81 /c?d"},
      {"GET HTTPS://b HTTP/1.1\r\nHost: a\r\n", "b /"},
      {"GET http://b?q HTTP/1.1\r\nHost: a\r\n", "b ?q"},
      {"GET http://b/ HTTP/1.1\r\n", "host-missing"},
      {"GET http://b/ HTTP/1.1\r\nHost: /\r\n", "bad-host"},
      {"GET http://u:p@b/ HTTP/1.1\r\nHost: b\r\n", "bad-target"},
      {"GET http:///x HTTP/1.1\r\nHost: b\r\n", "bad-target"},
      {"GET ftp://b/ HTTP/1.1\r\nHost: b\r\n", "bad-target"},
      {"GET a HTTP/1.1\r\nHost: b\r\n", "bad-target"},
      {"GET * HTTP/1.1\r\nHost: b\r\n", "bad-target"},
      {"OPTIONS * HTTP/1.1\r\nHost: b\r\n", "b *"},
      {"OPTIONS http://b HTTP/1.1\r\nHost: b\r\n", "b *"},  // section 3.2.4
      {"OPTIONS http://b/ HTTP/1.1\r\nHost: b\r\n", "b /"},
      {"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n", "method-not-allowed"},
      {"TRACE / HTTP/1.1\r\nHost: b\r\n", "method-not-allowed"},
  }));
  INFO(c.head);
  const ParsedRequest request(std::string(c.head) + "\r\n");
  const RequestFacts facts = request_facts(request.head());
  const std::string got = facts.verdict != Verdict::kOk
                              ? name_of(facts.verdict)
                              : std::string(facts.host) + " " + std::string(facts.path_and_query);
  CHECK(got == c.expected);
}

TEST_CASE("what a request asks of its connection", "[http]") {
  struct Case {
    const char* head;  // first line without its CRLF, then fields
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"GET / HTTP/1.1\r\n", "keep"},
      {"GET / HTTP/1.1\r\nConnection: close\r\n", ""},
      {"GET / HTTP/1.1\r\nConnection: a\r\nConnection: ,CLOSE ,b\r\n", ""},
      {"GET / HTTP/1.1\r\nConnection: closed\r\n", "keep"},
      {"GET / HTTP/1.0\r\n", "1.0"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", "keep 1.0"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", "1.0"},
      {"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", "keep upgrade"},
      {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n", "keep"},
      {"GET / HTTP/1.1\r\nConnection: upgrade\r\n", "keep"},
      {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "1.0"},
      {"GET / HTTP/1.1\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
       "keep"},
      {"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", "keep"},
      {"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
       "keep upgrade"},
      {"PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 9\r\n", "keep continue"},
      {"PUT / HTTP/1.1\r\nExpect: 100-continue\r\n", "keep"},
      {"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 9\r\n", "1.0"},
      {"PUT / HTTP/1.1\r\nExpect: 100-continue, ,100-continue\r\nContent-Length: 9\r\n", "keep continue"},
      {"PUT / HTTP/1.1\r\nExpect:\r\nContent-Length: 9\r\n", "keep"},
      {"PUT / HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 9\r\n", "unknown-expectation"},
      {"PUT / HTTP/1.1\r\nExpect: 100-continue, x\r\nContent-Length: 9\r\n", "unknown-expectation"},
      {"PUT / HTTP/1.1\r\nExpect: x 100-continue\r\nContent-Length: 9\r\n", "unknown-expectation"},
      {"GET / HTTP/1.1\r\nTE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n", "keep trailers"},
      {"GET / HTTP/1.1\r\nTE: gzip\r\n", "keep"},
      {"OPTIONS / HTTP/1.1\r\nMax-Forwards: 7\r\n", "keep max 7"},
      {"OPTIONS / HTTP/1.1\r\nMax-Forwards: -7\r\n", "keep"},
      {"OPTIONS / HTTP/1.1\r\nMax-Forwards: 99999999999999999999\r\n", "keep max 1000000"},
      {"GET / HTTP/1.1\r\nMax-Forwards: 7\r\n", "keep"},
  }));
  INFO(c.head);
  const ParsedRequest request(std::string(c.head) + "Host: a\r\n\r\n");
  const RequestFacts facts = request_facts(request.head());
  std::string got;
  if (facts.keep_alive) got += " keep";
  if (facts.http10) got += " 1.0";
  if (facts.wants_upgrade) got += " upgrade";
  if (facts.expects_continue) got += " continue";
  if (facts.accepts_trailers) got += " trailers";
  if (facts.max_forwards >= 0) got += " max " + std::to_string(facts.max_forwards);
  if (!got.empty()) got.erase(0, 1);
  if (facts.verdict != Verdict::kOk) got = name_of(facts.verdict);
  CHECK(got == c.expected);
}

TEST_CASE("hop-by-hop: the fixed fields, and what Connection names but for the guarded ones", "[http]") {
  const ParsedRequest request(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nx-mine: 1\r\nX-Other: 2\r\n"
      "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authorization: y\r\nTrailer: t\r\n"
      "Connection: Host, Content-Length, X-Forwarded-For, Cookie\r\nContent-Length: 1\r\n"
      "X-Forwarded-For: ::1\r\nCookie: c\r\n\r\n");
  std::string kept;
  for (const Field& field : request.head().fields())
    if (!is_hop_by_hop(request.head(), field)) kept.append(request.head().name(field)).append(" ");
  CHECK(kept == "Host X-Other Trailer Content-Length X-Forwarded-For ");
}

TEST_CASE("only unusual Connection options make forwarding look for their fields", "[http]") {
  const auto names = [](const char* options) {
    const ParsedRequest request(std::string("GET / HTTP/1.1\r\nConnection: ") + options + "\r\n\r\n");
    return request.head().connection_names_fields();
  };
  CHECK_FALSE(names("close"));
  CHECK_FALSE(names("Keep-Alive, Upgrade, TE, HTTP2-Settings"));
  CHECK(names("close, x-mine"));
  CHECK(names("keepalive"));
}

TEST_CASE("every verdict has a name of its own, and an error for its answer", "[http]") {
  std::vector<std::string> names;
  for (int v = 0; v <= static_cast<int>(Verdict::kUnexpectedUpgrade); ++v) {
    const auto verdict = static_cast<Verdict>(v);
    for (const std::string& other : names) CHECK(other != name_of(verdict));
    names.emplace_back(name_of(verdict));
    if (verdict != Verdict::kOk) CHECK(status_of(verdict) >= 400);
  }
  CHECK(status_of(Verdict::kTargetTooLong) == 414);
  CHECK(status_of(Verdict::kTooManyFields) == 431);
  CHECK(status_of(Verdict::kUnknownCoding) == 501);
  CHECK(status_of(Verdict::kBadVersion) == 505);
  CHECK(status_of(Verdict::kUnknownExpectation) == 417);
}

}  // namespace
}  // namespace sluice::http
