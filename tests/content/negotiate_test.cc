#include "content/negotiate.h"

#include <string>

#include "catch.h"
#include "http/heads.h"

namespace sluice::content {
namespace {

using config::Coding;

const std::vector<Coding> kAll{Coding::kZstd, Coding::kBrotli, Coding::kGzip};

std::string wish(const std::string& fields, const std::vector<Coding>& codings = kAll,
                 const char* version = "1.1") {
  const http::ParsedRequest parsed(std::string("GET / HTTP/") + version + "\r\nHost: h\r\n" + fields +
                                   "\r\n");
  const CodingWish wish = coding_wish(parsed.head(), {.codings = codings});
  return std::string(wish.coding ? name_of(*wish.coding) : "-") + (wish.holds_strong_tag ? " strong" : "");
}

TEST_CASE("the client's weights choose the coding, the configuration's order breaks ties", "[coding]") {
  CHECK(wish("Accept-Encoding: gzip, deflate, br, zstd\r\n") == "zstd");
  CHECK(wish("Accept-Encoding: gzip, br\r\n") == "br");
  CHECK(wish("Accept-Encoding: gzip, br\r\n", {Coding::kGzip, Coding::kBrotli}) == "gzip");
  CHECK(wish("Accept-Encoding: gzip;q=0.9, br;q=0.8, zstd;q=0.7\r\n") == "gzip");
  CHECK(wish("Accept-Encoding: gzip;q=0.001\r\n") == "gzip");
  CHECK(wish("Accept-Encoding: *\r\n") == "zstd");
  CHECK(wish("Accept-Encoding: *, zstd;q=0\r\n") == "br");
  CHECK(wish("Accept-Encoding: identity;q=0, gzip;q=0.1\r\n") == "gzip");
}

TEST_CASE("identity is what is left", "[coding]") {
  CHECK(wish("") == "-");
  CHECK(wish("Accept-Encoding: deflate, compress\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip;q=0\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip;q=0.5, identity\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip;q=0.5, identity;q=0.5\r\n") == "gzip");
  CHECK(wish("Accept-Encoding: gzip, br;q=nonsense\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip\r\n", {}) == "-");
  CHECK(wish("Accept-Encoding: gzip\r\n", {Coding::kZstd}) == "-");
  CHECK(wish("Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip\r\nCache-Control: max-age=0, No-Transform\r\n") == "-");
  CHECK(wish("Accept-Encoding: gzip\r\n", kAll, "1.0") == "-");
}

TEST_CASE("a request tells whether the client holds a body that was not coded", "[coding]") {
  CHECK(wish("If-None-Match: \"a\"\r\n") == "- strong");
  CHECK(wish("If-None-Match: W/\"a\"\r\n") == "-");
  CHECK(wish("If-None-Match: W/\"a,\", W/\"W/\"\r\n") == "-");
  CHECK(wish("If-None-Match: W/\"a\" , \"b\"\r\n") == "- strong");
  CHECK(wish("If-None-Match: W/\"a\"\r\nIf-None-Match: \"b\"\r\n") == "- strong");
  CHECK(wish("If-None-Match: *\r\n") == "-");
}

// "coding" or "-", then what happens to the head.
std::string plan(const std::string& head, std::optional<std::uint64_t> length = 5000,
                 bool holds_strong = false, std::optional<Coding> coding = Coding::kGzip) {
  const http::ParsedResponse parsed("HTTP/1.1 " + head + "\r\n");
  const CodingPlan plan =
      plan_coding({.codings = kAll, .min_length = 1000}, {.coding = coding, .holds_strong_tag = holds_strong},
                  parsed.head(), length);
  std::string out(plan.coding ? name_of(*plan.coding) : "-");
  if (plan.recoding.coding != (plan.coding ? name_of(*plan.coding) : "")) out += " field";
  if (plan.recoding.weak_tag) out += " weak";
  if (plan.recoding.vary) out += " vary";
  return out;
}

TEST_CASE("what a response says decides whether it is coded, and what its head becomes", "[coding]") {
  struct Case {
    const char* head;
    const char* expected;
  };
  const auto c = GENERATE(values<Case>({
      {"200 OK\r\nContent-Type: text/html; charset=utf-8\r\n", "gzip weak vary"},
      {"404 Not Found\r\ncontent-type: Application/JSON\r\n", "gzip weak vary"},
      {"200 OK\r\nContent-Type: text/event-stream\r\n", "gzip weak vary"},
      {"200 OK\r\nContent-Type: image/svg+xml\r\nCache-Control: private, max-age=1\r\n", "gzip weak vary"},
      // Not compressible, so the same for every client.
      {"200 OK\r\n", "-"},
      {"200 OK\r\nContent-Type: image/png\r\n", "-"},
      {"200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n", "-"},
      {"200 OK\r\nContent-Type: text/html\r\nCache-Control: no-transform\r\n", "-"},
      {"200 OK\r\nContent-Type: text/html\r\nCache-Control: public\r\nCache-Control: x, no-transform\r\n",
       "-"},
      {"204 No Content\r\nContent-Type: text/html\r\n", "-"},
      {"101 Switching Protocols\r\nContent-Type: text/html\r\n", "-"},
      // Compressible, but not this time.
      {"206 Partial Content\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1/9000\r\n", "- vary"},
      {"200 OK\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1/9000\r\n", "- vary"},
      // As the 200 would have said.
      {"304 Not Modified\r\n", "- weak vary"},
      {"304 Not Modified\r\nContent-Type: text/css\r\n", "- weak vary"},
      {"304 Not Modified\r\nContent-Type: image/png\r\n", "-"},
      {"304 Not Modified\r\nCache-Control: no-transform\r\n", "-"},
  }));
  CAPTURE(c.head);
  CHECK(plan(c.head) == c.expected);
}

TEST_CASE("a body that is known to be small goes as it is; one of unknown length is coded", "[coding]") {
  const std::string html = "200 OK\r\nContent-Type: text/html\r\n";
  CHECK(plan(html, 1000) == "gzip weak vary");
  CHECK(plan(html, 999) == "-");
  CHECK(plan(html, 0) == "-");
  CHECK(plan(html, std::nullopt) == "gzip weak vary");
  CHECK(plan("206 Partial Content\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1/9000\r\n", 2) ==
        "- vary");
}

TEST_CASE("clients that get identity are told that others may not", "[coding]") {
  CHECK(plan("200 OK\r\nContent-Type: text/html\r\n", 5000, false, std::nullopt) == "- vary");
  CHECK(plan("304 Not Modified\r\n", std::nullopt, false, std::nullopt) == "- vary");
}

TEST_CASE("a 304 has the tag of the body that the client holds", "[coding]") {
  CHECK(plan("304 Not Modified\r\nETag: \"a\"\r\n", std::nullopt, true) == "- vary");
  CHECK(plan("304 Not Modified\r\nETag: \"a\"\r\n", std::nullopt, false) == "- weak vary");
}

TEST_CASE("media types", "[coding]") {
  for (const char* type :
       {"text/plain", "TEXT/CSS ; charset=x", "application/ld+json", "application/atom+xml", "image/svg+xml",
        "application/wasm", "font/ttf", "image/x-icon"}) {
    CAPTURE(type);
    CHECK(is_compressible(type, {}));
  }
  for (const char* type :
       {"", "text", "image/jpeg", "video/mp4", "audio/ogg", "font/woff2", "font/woff", "application/zip",
        "application/octet-stream", "application/grpc", "application/+jsonx", "application/pdf",
        "multipart/byteranges", "application/gzip"}) {
    CAPTURE(type);
    CHECK_FALSE(is_compressible(type, {}));
  }
  const std::vector<std::string> own{"text/*", "application/x-own", "*/*+own"};
  CHECK(is_compressible("text/html", own));
  CHECK(is_compressible("Application/X-Own; v=1", own));
  CHECK(is_compressible("image/a+own", own));
  CHECK_FALSE(is_compressible("application/json", own));
  CHECK_FALSE(is_compressible("image/+own", own));
  const std::vector<std::string> all{"*/*"};
  CHECK(is_compressible("image/png", all));
  CHECK_FALSE(is_compressible("nonsense", all));
}

}  // namespace
}  // namespace sluice::content
