#include "http/rewrite.h"

#include <array>
#include <string>

#include "catch.h"
#include "http/heads.h"

namespace sluice::http {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string upstream_text(const RequestHead& head, const UpstreamRequest& options) {
  std::array<char, 4096> buffer;
  HeadWriter out(buffer);
  write_upstream_request(out, head, request_facts(head), options);
  REQUIRE(out.ok());
  return std::string(out.text());
}

std::string upstream(std::string_view request, UpstreamRequest options = {}) {
  const ParsedRequest parsed(request);
  const RequestFacts facts = request_facts(parsed.head());
  REQUIRE(facts.verdict == Verdict::kOk);
  options.target = facts.path_and_query;
  options.host = options.client_host = facts.host;
  if (options.client_ip.empty()) options.client_ip = "192.0.2.1";
  return upstream_text(parsed.head(), options);
}

std::string client(std::string_view response, const ClientResponse& options) {
  const ParsedResponse parsed(response);
  std::array<char, 4096> buffer;
  HeadWriter out(buffer);
  write_client_response(out, parsed.head(), options);
  REQUIRE(out.ok());
  return std::string(out.text());
}

TEST_CASE("a plain request: Host first, fields as they came, forwarding fields and Via last", "[http]") {
  CHECK(upstream("GET /a?b HTTP/1.1\r\nUser-Agent: x y\r\nHost: h:80\r\naccept:\t*/* \r\n\r\n") ==
        "GET /a?b HTTP/1.1\r\nHost: h:80\r\nUser-Agent: x y\r\naccept: */*\r\n"
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h:80\r\n"
        "Via: 1.1 sluice\r\n\r\n");
}

TEST_CASE("Via tells in which version a request came", "[http]") {
  const std::string text =
      upstream("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {.forwarded = ForwardedStyle::kOff, .http2 = true});
  CHECK(text.ends_with("Via: 2.0 sluice\r\n\r\n"));
}

TEST_CASE("requests go upstream with framing and hop-by-hop fields written anew", "[http]") {
  struct Case {
    const char* request;
    const char* expected;  // with forwarding off
  };
  const auto c = GENERATE(values<Case>({
      {"POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 007\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nVia: 1.1 sluice\r\n\r\n"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:  Chunked\r\nTrailer: t\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: h\r\nTrailer: t\r\nTransfer-Encoding: chunked\r\nVia: 1.1 sluice\r\n\r\n"},
      {"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n",
       "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nExpect: 100-continue\r\nVia: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: \r\nVia: 1.0 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, mine\r\nMine: 1\r\nProxy-Authorization: x\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-X: 1\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nSec-X: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Via: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
       "HTTP2-Settings: x\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers, gzip\r\nConnection: TE\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: TE\r\nTE: trailers\r\nVia: 1.1 sluice\r\n\r\n"},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\n\r\n",
       "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 2\r\nVia: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\nVia: 1.1 sluice\r\n\r\n"},
      {"GET / HTTP/1.1\r\nVia: 1.0 a\r\nHost: h\r\nVia: 1.1 b, 1.1 c\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 a, 1.1 b, 1.1 c, 1.1 sluice\r\n\r\n"},
      {"GET http://b?q HTTP/1.1\r\nHost: h\r\n\r\n",
       "GET /?q HTTP/1.1\r\nHost: b\r\nVia: 1.1 sluice\r\n\r\n"},
  }));
  CHECK(upstream(c.request, {.forwarded = ForwardedStyle::kOff}) == c.expected);
}

TEST_CASE("forwarding fields: a stranger's are replaced, a trusted client's are continued", "[http]") {
  const std::string request =
      "GET / HTTP/1.1\r\nHost: h:80\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n"
      "x-forwarded-proto: https\r\nX-Forwarded-Port: 1\r\nForwarded: for=10.0.0.1\r\n\r\n";
  struct Case {
    ForwardedStyle style;
    bool trust;
    const char* ip;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {ForwardedStyle::kOff, false, "192.0.2.1", ""},
      {ForwardedStyle::kOff, true, "192.0.2.1",
       "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nx-forwarded-proto: https\r\n"
       "X-Forwarded-Port: 1\r\nForwarded: for=10.0.0.1\r\n"},
      {ForwardedStyle::kX, false, "::1",
       "X-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h:80\r\n"},
      {ForwardedStyle::kX, true, "192.0.2.1",
       "x-forwarded-proto: https\r\nX-Forwarded-Port: 1\r\nForwarded: for=10.0.0.1\r\n"
       "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.1\r\nX-Forwarded-Host: h:80\r\n"},
      {ForwardedStyle::kRfc7239, false, "192.0.2.1", "Forwarded: for=192.0.2.1;host=\"h:80\";proto=http\r\n"},
      {ForwardedStyle::kRfc7239, false, "2001:db8::1",
       "Forwarded: for=\"[2001:db8::1]\";host=\"h:80\";proto=http\r\n"},
      {ForwardedStyle::kBoth, true, "192.0.2.1",
       "x-forwarded-proto: https\r\nX-Forwarded-Port: 1\r\n"
       "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.1\r\nX-Forwarded-Host: h:80\r\n"
       "Forwarded: for=10.0.0.1, for=192.0.2.1;host=\"h:80\";proto=http\r\n"},
  }));
  CHECK(upstream(request, {.forwarded = c.style, .trust_client = c.trust, .client_ip = c.ip}) ==
        std::string("GET / HTTP/1.1\r\nHost: h:80\r\n") + c.expected + "Via: 1.1 sluice\r\n\r\n");
}

TEST_CASE("an underscore does not make a forwarding field another one", "[http]") {
  const std::string forged =
      "X_Forwarded_For: 6.6.6.6\r\nx-forwarded_PROTO: https\r\nX_Forwarded_Port: 1\r\n";
  const std::string others = "X-Forwarded: a\r\nX_Real: b\r\n";
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n" + forged + others + "\r\n";
  const ForwardedStyle off = ForwardedStyle::kOff;
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\n", end = "Via: 1.1 sluice\r\n\r\n";
  CHECK(upstream(request, {.forwarded = off, .trust_client = false}) == begin + others + end);
  CHECK(upstream(request, {.forwarded = off, .trust_client = true}) == begin + forged + others + end);
}

TEST_CASE("what a client proved by its certificate goes upstream, what it says about that never", "[http]") {
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\n", end = "Via: 1.1 sluice\r\n\r\n";
  const std::string forged =
      "Client-Cert: :AA==:\r\nclient_cert: :AA==:\r\nClient-Cert-Chain: :AA==:\r\n"
      "X-Client-Cert-Subject: CN=root\r\nX_CLIENT_CERT_VERIFIED: SUCCESS\r\nX-Client-Cert: x\r\n";
  const std::string others = "Client-Certificate: a\r\nX-Client: b\r\n";
  const std::string request = begin + forged + others + "\r\n";
  const ForwardedStyle off = ForwardedStyle::kOff;
  for (const bool trust : {false, true})
    CHECK(upstream(request, {.forwarded = off, .trust_client = trust}) == begin + others + end);
  CHECK(upstream(request, {.forwarded = off,
                           .client_certificate = ":MIIB:",
                           .client_subject = "CN=ann,O=Example",
                           .client_verified = true}) ==
        begin + others +
            "Client-Cert: :MIIB:\r\nX-Client-Cert-Subject: CN=ann,O=Example\r\n"
            "X-Client-Cert-Verified: SUCCESS\r\n" +
            end);
}

TEST_CASE("over TLS, ours is the only Strict-Transport-Security", "[http]") {
  const std::string theirs = "strict-transport-security: max-age=0\r\n";
  const std::string ours = "Strict-Transport-Security: max-age=31536000\r\n";
  const auto told = [&](const std::string& status, std::chrono::seconds hsts) {
    return client("HTTP/1.1 " + status + "\r\n" + theirs + "A: b\r\n\r\n", {.hsts = hsts});
  };
  const std::chrono::hours year{8760};
  CHECK(told("200 OK", year) == "HTTP/1.1 200 OK\r\nA: b\r\n" + ours + "\r\n");
  CHECK(told("200 OK", {}) == "HTTP/1.1 200 OK\r\n" + theirs + "A: b\r\n\r\n");
  CHECK(told("103 Early Hints", year) == "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
  std::array<char, 256> buffer;
  HeadWriter out(buffer);
  begin_own_response(out, 404, {.hsts = year});
  CHECK(out.text() == "HTTP/1.1 404 Not Found\r\nServer: sluice\r\n" + ours);
}

TEST_CASE("a request that was parsed and written means the same when it is parsed again", "[http]") {
  const auto text =
      GENERATE(as<std::string>{}, "GET /a?b HTTP/1.1\r\nHost: h:80\r\nCookie: a=b; c=d\r\n\r\n",
               "POST http://b:8080/x HTTP/1.1\r\nHost: ignored\r\nContent-Length: 12\r\n"
               "Expect: 100-continue\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
               "PUT / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nVia: 1.1 a\r\n\r\n",
               "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade, TE\r\nTE: trailers\r\n"
               "Upgrade: websocket\r\n\r\n",
               "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  const ParsedRequest first(text);
  const RequestFacts before = request_facts(first.head());
  const ParsedRequest second(upstream(text, {.forwarded = ForwardedStyle::kBoth, .trust_client = true}));
  const RequestFacts after = request_facts(second.head());
  CHECK(after.verdict == Verdict::kOk);
  CHECK(second.head().method == first.head().method);
  CHECK(after.framing == before.framing);
  CHECK(after.length == before.length);
  CHECK(after.keep_alive == before.keep_alive);
  CHECK(after.expects_continue == before.expects_continue);
  CHECK(after.wants_upgrade == before.wants_upgrade);
  CHECK(after.accepts_trailers == before.accepts_trailers);
  CHECK(after.host == before.host);
  CHECK(after.path_and_query == before.path_and_query);
}

TEST_CASE("responses reach the client with framing and Connection written anew", "[http]") {
  const std::string response =
      "HTTP/1.0 200 Fine\r\nServer: up\r\nContent-Length: 9\r\nConnection: close, x-own\r\nX-Own: 1\r\n"
      "Keep-Alive: 5\r\nServer-Timing: db\r\n\r\n";
  CHECK(client(response, {.framing = Framing::kLength, .length = 9, .has_length = true, .date = kDate}) ==
        "HTTP/1.1 200 Fine\r\nServer: up\r\nServer-Timing: db\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Length: 9\r\n\r\n");
  CHECK(client(response, {.framing = Framing::kChunked, .server_timing = "sluice;desc=\"splice\""}) ==
        "HTTP/1.1 200 Fine\r\nServer: up\r\nServer-Timing: db\r\nServer-Timing: sluice;desc=\"splice\"\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(client(response, {.framing = Framing::kUntilClose, .keep_alive = false, .http10_client = true}) ==
        "HTTP/1.1 200 Fine\r\nServer: up\r\nServer-Timing: db\r\nConnection: close\r\n\r\n");
  CHECK(client(response, {.framing = Framing::kLength, .length = 9, .http10_client = true}) ==
        "HTTP/1.1 200 Fine\r\nServer: up\r\nServer-Timing: db\r\nContent-Length: 9\r\n"
        "Connection: keep-alive\r\n\r\n");
}

TEST_CASE("a response keeps its own Date", "[http]") {
  CHECK(client("HTTP/1.1 200 OK\r\nDate: x\r\n\r\n", {.date = kDate}) ==
        "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n");
}

TEST_CASE("responses without a body: HEAD and 304 tell a length, 204 never does", "[http]") {
  const ClientResponse told{.length = 5, .has_length = true};
  CHECK(client("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", told) ==
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
  CHECK(client("HTTP/1.1 304 Not Modified\r\n\r\n", {}) == "HTTP/1.1 304 Not Modified\r\n\r\n");
  CHECK(client("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", told) ==
        "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE("interim responses carry fields but no framing, and 101 its Upgrade", "[http]") {
  const ClientResponse options{
      .length = 5, .has_length = true, .keep_alive = false, .date = kDate, .server_timing = "a"};
  CHECK(client("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\n\r\n", options) ==
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  CHECK(client("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-X: 1\r\n\r\n",
               {.upgrade = true}) ==
        "HTTP/1.1 101 Go\r\nSec-X: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("an answer of our own begins with status, server, date, framing and Connection", "[http]") {
  std::array<char, 256> buffer;
  HeadWriter out(buffer);
  begin_own_response(out, 404,
                     {.framing = Framing::kLength, .length = 3, .keep_alive = false, .date = kDate});
  CHECK(out.text() ==
        "HTTP/1.1 404 Not Found\r\nServer: sluice\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Length: 3\r\nConnection: close\r\n");
}

TEST_CASE("a head that does not fit is not ok, and nothing past the end is written", "[http]") {
  const ParsedRequest request("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n");
  const UpstreamRequest options{.target = "/", .host = "h", .client_ip = "::1", .client_host = "h"};
  const std::size_t needed = upstream_text(request.head(), options).size();
  for (std::size_t size = 0; size <= needed; ++size) {
    std::string buffer(needed + 1, '#');
    HeadWriter out(std::span<char>(buffer.data(), size));
    write_upstream_request(out, request.head(), request_facts(request.head()), options);
    REQUIRE(out.ok() == (size == needed));
    REQUIRE(buffer.find_first_not_of('#', size) == std::string::npos);
  }
}

TEST_CASE("trailers: harmless fields pass, deciding ones are dropped, malformed ones are refused", "[http]") {
  struct Case {
    std::string raw, expected;  // "!" for refused
  };
  const auto c = GENERATE(values<Case>({
      {"", ""},
      {"a: b\r\n", "a: b\r\n"},
      {"Digest:x\r\nServer-Timing: db;dur=3 \r\n", "Digest: x\r\nServer-Timing: db;dur=3\r\n"},
      {"Content-Length: 5\r\na: b\r\nTransfer-Encoding: chunked\r\nHost: x\r\n", "a: b\r\n"},
      {"Connection: a\r\nTrailer: x\r\nSET-COOKIE: x\r\nX-Forwarded-Port: 1\r\nAuthorization: x\r\n", ""},
      {"x_forwarded_for: 6.6.6.6\r\nX-Forwarded: a\r\n", "X-Forwarded: a\r\n"},
      {"Client-Cert: :AA==:\r\nX-Client-Cert-Verified: SUCCESS\r\n", ""},
      {"a: b", "!"},
      {"a: b\r", "!"},
      {"a: b\n", "!"},
      {"a: b\r\n c\r\n", "!"},
      {"a : b\r\n", "!"},
      {"a: \x01\r\n", "!"},
      {"a: b\r\n\r\n", "!"},
      {"a: b\r\n\r\nGET / HTTP/1.1\r\n", "!"},
      {"a: " + std::string(70000, 'b') + "\r\n", "!"},
  }));
  std::string out = "kept|";
  const bool ok = filter_trailers(c.raw, out);
  CHECK((ok ? out : "!") == (c.expected == "!" ? "!" : "kept|" + c.expected));
}

TEST_CASE("trailers of a coded body say nothing about its bytes", "[http]") {
  constexpr std::string_view kRaw =
      "Digest: a\r\nContent-Digest: b\r\nRepr-Digest: c\r\nContent-MD5: d\r\nETag: \"e\"\r\nX-Rows: 3\r\n";
  std::string all, some;
  REQUIRE(filter_trailers(kRaw, all));
  REQUIRE(filter_recoded_trailers(kRaw, some));
  CHECK(all == kRaw);
  CHECK(some == "X-Rows: 3\r\n");
  CHECK_FALSE(filter_recoded_trailers("Digest : a\r\n", some));
}

TEST_CASE("a coded response: new coding, no ranges, no digests, a weak tag, Vary merged", "[http]") {
  const std::string coded = client(
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nETag: \"a\"\r\nVary: Cookie\r\nAccept-Ranges: bytes\r\n"
      "Content-MD5: x\r\nDigest: x\r\nContent-Digest: x\r\nRepr-Digest: x\r\nX: y\r\nVary: Origin\r\n\r\n",
      {.framing = Framing::kChunked, .recoding = {.coding = "br", .weak_tag = true, .vary = true}});
  CHECK(coded ==
        "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nX: y\r\nVary: Cookie, Origin, Accept-Encoding\r\n"
        "Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("the parts of recoding by themselves", "[http]") {
  struct Case {
    const char* fields;
    Recoding recoding;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"", {.vary = true}, "Vary: Accept-Encoding\r\n"},
      {"Vary: accept-encoding\r\n", {.vary = true}, "Vary: accept-encoding\r\n"},
      {"Vary: Origin\r\nVary: ACCEPT-ENCODING, X\r\n",
       {.vary = true},
       "Vary: Origin, ACCEPT-ENCODING, X\r\n"},
      {"Vary: *\r\n", {.vary = true}, "Vary: *\r\n"},
      {"Vary:\r\n", {.vary = true}, "Vary: Accept-Encoding\r\n"},
      {"Vary:  X\r\n", {}, "Vary: X\r\n"},
      {"ETag: \"a\"\r\nAccept-Ranges: bytes\r\nDigest: d\r\n",
       {},
       "ETag: \"a\"\r\nAccept-Ranges: bytes\r\nDigest: d\r\n"},
      {"etag: \"a\"\r\n", {.weak_tag = true}, "etag: W/\"a\"\r\n"},
      {"ETag: W/\"a\"\r\n", {.weak_tag = true}, "ETag: W/\"a\"\r\n"},
      {"ETag: unquoted\r\n", {.weak_tag = true}, "ETag: unquoted\r\n"},
      {"Accept-Ranges: bytes\r\n", {.weak_tag = true}, "Accept-Ranges: bytes\r\n"},
  }));
  CAPTURE(c.fields);
  const std::string begin = "HTTP/1.1 304 Not Modified\r\n";
  CHECK(client(begin + c.fields + "\r\n", {.recoding = c.recoding}) == begin + c.expected + "\r\n");
  const ParsedResponse parsed(begin + c.fields + "\r\n");
  std::array<char, 1024> buffer;
  HeadWriter out(buffer);
  write_recoded_fields(out, parsed.head(), c.recoding);
  CHECK(out.text() == c.expected);
}

}  // namespace
}  // namespace sluice::http
