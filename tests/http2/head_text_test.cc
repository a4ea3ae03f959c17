#include "http2/head_text.h"

#include <string>
#include <vector>

#include "catch.h"
#include "http/heads.h"
#include "http2/field_list.h"

namespace sluice::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The text, or "!" and the fault.
std::string request(const Fields& fields, bool ends = true, bool secure = false, std::size_t limit = 4096) {
  RequestText text;
  text.begin(limit, secure);
  for (const auto& [name, value] : fields) text.add(name, value);
  const Fault fault = text.finish(ends, "KEY==");
  return fault == Fault::kNone ? std::string(text.text()) : std::string("!") + name_of(fault);
}

Fields get(const Fields& more = {}) {
  Fields all{{":method", "GET"}, {":scheme", "http"}, {":authority", "h:80"}, {":path", "/a?b"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("a request's fields become the text of an HTTP/1 head", "[http2]") {
  CHECK(request(get({{"user-agent", "x"}, {"accept", ""}})) ==
        "GET /a?b HTTP/1.1\r\nhost: h:80\r\nuser-agent: x\r\naccept: \r\n\r\n");
  CHECK(request(get({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}})) ==
        "GET /a?b HTTP/1.1\r\nhost: h:80\r\nx: y\r\ncookie: a=1; b=2\r\n\r\n");
  CHECK(request(get({{"content-length", "5"}}), false) ==
        "GET /a?b HTTP/1.1\r\nhost: h:80\r\ncontent-length: 5\r\n\r\n");
  CHECK(request(get(), false) == "GET /a?b HTTP/1.1\r\nhost: h:80\r\ntransfer-encoding: chunked\r\n\r\n");
  CHECK(request(get({{"te", "trailers"}, {"host", "H:80"}})) ==
        "GET /a?b HTTP/1.1\r\nhost: h:80\r\nte: trailers\r\n\r\n");
  CHECK(request({{":method", "GET"}, {":path", "/"}, {":scheme", "http"}, {"host", "h"}}) ==
        "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
  CHECK(request({{":method", "OPTIONS"}, {":path", "*"}, {":scheme", "http"}, {":authority", "h"}}) ==
        "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n");
  // The other scheme is told: the rules for absolute targets judge it.
  CHECK(request(get(), true, true) == "GET http://h:80/a?b HTTP/1.1\r\nhost: h:80\r\n\r\n");
  // Refused later, as any CONNECT.
  CHECK(request({{":method", "CONNECT"}, {":authority", "h:80"}}, false) ==
        "CONNECT h:80 HTTP/1.1\r\nhost: h:80\r\n\r\n");
}

TEST_CASE("an extended CONNECT becomes an upgrade", "[http2]") {
  const Fields connect{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"},
                       {":path", "/chat"},     {":authority", "h"},        {"sec-websocket-version", "13"}};
  CHECK(request(connect, false, true) ==
        "GET /chat HTTP/1.1\r\nhost: h\r\nsec-websocket-version: 13\r\n"
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: KEY==\r\n\r\n");
  Fields other = connect;
  other[1].second = "connect-udp";
  CHECK(request(other, false) == "!unknown-protocol");
  other = connect;
  other[0].second = "GET";
  CHECK(request(other, false) == "!missing-pseudo");
  other = connect;
  other.push_back({"content-length", "3"});
  CHECK(request(other, false) == "!connection-field");
}

TEST_CASE("what a request of HTTP/2 may not have", "[http2]") {
  struct Case {
    Fields fields;
    const char* fault;
  };
  const std::vector<Case> cases{
      {{}, "!missing-pseudo"},
      {{{":method", "GET"}, {":path", "/"}}, "!missing-pseudo"},
      {{{":method", "GET"}, {":scheme", "http"}}, "!missing-pseudo"},
      {{{":scheme", "http"}, {":path", "/"}}, "!missing-pseudo"},
      {{{":method", "CONNECT"}, {":path", "/"}, {":authority", "h"}}, "!missing-pseudo"},
      {{{":method", "CONNECT"}}, "!missing-pseudo"},
      {{{":method", "CONNECT"}, {":authority", "h :80"}}, "!bad-pseudo"},
      {{{"a", "b"}, {":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, "!missing-pseudo"},
      {get({{"a", "b"}, {":path", "/"}}), "!late-pseudo"},
      {get({{":path", "/"}}), "!repeated-pseudo"},
      {get({{":authority", "h:80"}}), "!repeated-pseudo"},
      {get({{":status", "200"}}), "!unknown-pseudo"},
      {get({{":", "x"}}), "!unknown-pseudo"},
      {get({{"Accept", "x"}}), "!bad-name"},
      {get({{"", "x"}}), "!bad-name"},
      {get({{"a b", "x"}}), "!bad-name"},
      {get({{"a:", "x"}}), "!bad-name"},
      {get({{"a\r\nb", "x"}}), "!bad-name"},
      {get({{"a", "x\r\nb: c"}}), "!bad-value"},
      {get({{"a", "x\ny"}}), "!bad-value"},
      {get({{"a", std::string("x\0y", 3)}}), "!bad-value"},
      {get({{"a", " x"}}), "!bad-value"},
      {get({{"a", "x\t"}}), "!bad-value"},
      {get({{"connection", "close"}}), "!connection-field"},
      {get({{"keep-alive", "5"}}), "!connection-field"},
      {get({{"proxy-connection", "x"}}), "!connection-field"},
      {get({{"transfer-encoding", "chunked"}}), "!connection-field"},
      {get({{"upgrade", "h2c"}}), "!connection-field"},
      {get({{"te", "gzip"}}), "!connection-field"},
      {get({{"te", "trailers, gzip"}}), "!connection-field"},
      {get({{"host", "other"}}), "!authority-mismatch"},
  };
  for (const Case& c : cases) CHECK(request(c.fields) == c.fault);

  const auto with = [](std::size_t pseudo, std::string value) {
    Fields fields = get();
    fields[pseudo].second = std::move(value);
    return request(fields);
  };
  for (const char* method : {"", "G T", "GET /x HTTP/1.1\r\nevil:", "GET\r\n"})
    CHECK(with(0, method) == "!bad-pseudo");
  for (const char* scheme : {"", "1http", "ht tp", "http://"}) CHECK(with(1, scheme) == "!bad-pseudo");
  for (const char* authority : {"h\r\nx: y", " h", "h\n"}) CHECK(with(2, authority) == "!bad-pseudo");
  for (const char* path : {"", "a", "*", "/a b", "/ HTTP/1.1\r\nx: y", "/\r", "/#x", "http://h/"})
    CHECK(with(3, path) == "!bad-pseudo");
}

TEST_CASE("a head beyond the limit is told to be too large, however it grows", "[http2]") {
  const std::string big(300, 'x');
  CHECK(request(get({{"a", big}}), true, false, 256) == "!head-too-large");
  CHECK(request(get({{"cookie", big}}), true, false, 256) == "!head-too-large");
  Fields path = get();
  path[3].second = "/" + big;
  CHECK(request(path, true, false, 256) == "!head-too-large");
  // ... unless something is plainly wrong.
  CHECK(request(get({{"a", big}, {"B", "x"}}), true, false, 256) == "!bad-name");
  const std::string exact = request(get());
  CHECK(request(get(), true, false, exact.size()) == exact);
  CHECK(request(get(), true, false, exact.size() - 1) == "!head-too-large");
}

TEST_CASE("what comes out is one request to the parser, or none", "[http2]") {
  for (const Fields& fields : {get(), get({{"cookie", "a"}, {"x-y", "\x80 z"}}), get({{"te", "trailers"}})}) {
    const std::string text = request(fields, false);
    const http::ParsedRequest parsed(text);
    CHECK(parsed.head().size() == text.size());
    CHECK(http::request_facts(parsed.head()).verdict == http::Verdict::kOk);
  }
}

std::string response(const Fields& fields, bool ends, http::Method asked = http::Method::kGet) {
  ResponseText text;
  text.begin(4096);
  for (const auto& [name, value] : fields) text.add(name, value);
  const Fault fault = text.finish(ends, asked);
  return fault == Fault::kNone ? std::string(text.text()) : std::string("!") + name_of(fault);
}

TEST_CASE("a response's fields become the text of an HTTP/1 head", "[http2]") {
  CHECK(response({{":status", "200"}, {"server", "x"}}, false) ==
        "HTTP/1.1 200 \r\nserver: x\r\ntransfer-encoding: chunked\r\n\r\n");
  CHECK(response({{":status", "200"}}, true) == "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n");
  CHECK(response({{":status", "200"}, {"content-length", "7"}}, false) ==
        "HTTP/1.1 200 \r\ncontent-length: 7\r\n\r\n");
  CHECK(response({{":status", "200"}}, true, http::Method::kHead) == "HTTP/1.1 200 \r\n\r\n");
  CHECK(response({{":status", "204"}}, true) == "HTTP/1.1 204 \r\n\r\n");
  CHECK(response({{":status", "304"}}, true) == "HTTP/1.1 304 \r\n\r\n");
  CHECK(response({{":status", "103"}, {"link", "x"}}, false) == "HTTP/1.1 103 \r\nlink: x\r\n\r\n");
  for (const Fields& wrong : std::vector<Fields>{{},
                                                 {{"server", "x"}},
                                                 {{":status", "20"}},
                                                 {{":status", "2 0"}},
                                                 {{":status", "099"}},
                                                 {{":status", "101"}},
                                                 {{":status", "200"}, {":status", "200"}},
                                                 {{":status", "200"}, {"a", "b"}, {":status", "200"}},
                                                 {{":status", "200"}, {":path", "/"}},
                                                 {{":status", "200"}, {"connection", "close"}},
                                                 {{":status", "200"}, {"te", "trailers"}},
                                                 {{":status", "200"}, {"A", "b"}},
                                                 {{":status", "200"}, {"a", "b\r\nc: d"}}})
    CHECK(response(wrong, true).starts_with("!"));
  CHECK(response({{":status", "100"}}, true) == "!bad-pseudo");  // nothing could follow
}

TEST_CASE("trailers are fields alone", "[http2]") {
  TrailerText text;
  text.begin(64);
  text.add("grpc-status", "0");
  CHECK(text.fault() == Fault::kNone);
  CHECK(text.text() == "grpc-status: 0\r\n");
  text.add(":path", "/");
  CHECK(text.fault() == Fault::kLatePseudo);
}

std::string shown(const FieldList& list) {
  std::string out;
  for (const FieldPair& field : list.fields())
    out.append("[").append(field.name).append("=").append(field.value).append("]");
  return out;
}

TEST_CASE("text becomes fields again, without what is about the connection", "[http2]") {
  FieldList list;
  REQUIRE(
      list.response("HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\nKeep-Alive: 5\r\n"
                    "Content-Length: 12\r\nX-Ab:  c d \r\nTransfer-Encoding: chunked\r\n\r\n",
                    false));
  CHECK(shown(list) == "[:status=200][server=x][content-length=12][x-ab=c d]");
  CHECK(list.length() == 12U);
  REQUIRE(list.response("HTTP/1.1 204 \r\n\r\n", false));
  CHECK(shown(list) == "[:status=204]");
  CHECK(list.length() == std::nullopt);

  const char* const switched =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  REQUIRE(list.response(switched, true));
  CHECK(shown(list) == "[:status=200][sec-websocket-protocol=chat]");
  REQUIRE(list.response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true));
  CHECK(shown(list) == "[:status=502][content-length=0]");  // it did not switch
  REQUIRE(list.response("HTTP/1.1 403 Forbidden\r\n\r\n", true));
  CHECK(shown(list) == "[:status=403]");

  REQUIRE(
      list.request("POST /a?b HTTP/1.1\r\nHost: h:80\r\nContent-Length: 3\r\nConnection: TE\r\n"
                   "TE: gzip, Trailers\r\nVia: 1.1 x\r\n\r\n",
                   "https"));
  CHECK(
      shown(list) ==
      "[:method=POST][:scheme=https][:authority=h:80][:path=/a?b][content-length=3][te=trailers][via=1.1 x]");
  CHECK(list.length() == 3U);

  REQUIRE(list.trailers("A: b\r\nc: d\r\n"));
  CHECK(shown(list) == "[a=b][c=d]");
  CHECK_FALSE(list.response("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false));
  CHECK_FALSE(list.response("nonsense", false));
  CHECK_FALSE(list.request("GET /\r\nHost: h\r\n\r\n", "http"));
}

}  // namespace
}  // namespace sluice::http2
