#include "content/static_files.h"

#include <sys/resource.h>

#include "content/location.h"
#include "content/site.h"
#include "http/parser.h"
#include "http/target.h"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  content::Site site;
  content::Worker worker;
  std::unique_ptr<content::StaticFiles> files = make();

  std::unique_ptr<content::StaticFiles> make() {
    config::Files config;
    config.root = site.root.string();
    config.revalidate = 0ms;
    return std::make_unique<content::StaticFiles>(config, worker.files);
  }

  // `request`: method and target; `fields`: whole lines.
  content::Answer ask(const std::string& request, const std::string& fields = {}) {
    const std::string text = request + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    http::RequestParser parser({});
    REQUIRE(parser.parse(text) == http::Parse::kDone);
    const http::RequestHead& head = parser.head();
    std::string path;
    REQUIRE(http::normalise_path(head.view(head.target), path));
    content::Answer answer;
    loop::Ticket ticket;
    while (!files->answer(head, path, answer, ticket, [this] { worker.loop.stop(); })) worker.loop.run();
    return answer;
  }
};

std::string body_of(const content::Answer& answer) {
  std::string out;
  for (const relay::Piece& piece : answer.body) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      CHECK_FALSE(text->empty());
      out += *text;
    } else {
      const auto& range = std::get<relay::FileRange>(piece);
      CHECK(range.length > 0);
      out += content::text_of(*range.file, range.offset, range.length);
    }
  }
  return out;
}

std::string field_of(const content::Answer& answer, const std::string& name) {
  const std::size_t at = ("\r\n" + answer.fields).find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t value = at + name.size() + 2;
  return answer.fields.substr(value, answer.fields.find("\r\n", value) - value);
}

}  // namespace

TEST_CASE("GET and HEAD of a file", "[static-files]") {
  Fixture f;
  f.site.write("a b.txt", "0123456789");
  const auto get = f.ask("GET /a%20b.txt");
  CHECK(get.status == 200);
  CHECK(get.length == 10);
  CHECK(body_of(get) == "0123456789");
  CHECK(field_of(get, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(field_of(get, "Accept-Ranges") == "bytes");
  CHECK_FALSE(field_of(get, "Last-Modified").empty());
  const auto head = f.ask("HEAD /a%20b.txt", "Range: bytes=0-3\r\n");
  CHECK(head.status == 200);  // a range is for GET
  CHECK(head.length == 10);
  CHECK(head.body.empty());
  CHECK(head.fields == get.fields);
}

TEST_CASE("an empty file has no pieces, whatever range is asked", "[static-files]") {
  Fixture f;
  f.site.write("empty", "");
  const auto whole = f.ask("GET /empty");
  CHECK(whole.status == 200);
  CHECK(whole.length == 0);
  CHECK(whole.body.empty());
  CHECK(f.ask("GET /empty", "Range: bytes=0-\r\n").status == 416);
}

TEST_CASE("directories: the index below a slash, a redirect without it", "[static-files]") {
  Fixture f;
  f.site.write("index.html", "top");
  f.site.write("sub/index.html", "sub");
  f.site.write("bare/x", "x");
  CHECK(body_of(f.ask("GET /")) == "top");
  CHECK(body_of(f.ask("GET /sub/")) == "sub");
  CHECK(f.ask("GET /bare/").status == 404);
  CHECK(f.ask("GET /sub/index.html/").status == 404);
  const auto moved = f.ask("GET /sub?a=b");
  CHECK(moved.status == 301);
  CHECK(field_of(moved, "Location") == "/sub/?a=b");
  CHECK(body_of(moved) == "301 Moved Permanently\n");
}

TEST_CASE("where a directory is: encoded, with its query, never on another host", "[static-files]") {
  struct Case {
    std::string_view target, want;
  };
  const auto c = GENERATE(values<Case>({
      {"/sub", "/sub/"},
      {"/sub?x=%2F&y", "/sub/?x=%2F&y"},
      {"/a%20b/%c3%bc", "/a%20b/%C3%BC/"},
      {"/a%2Fb", "/a%252Fb/"},
      {"/100%25", "/100%25/"},
      {"//evil.example", "/evil.example/"},
      {"/%2f/evil.example", "/%252F/evil.example/"},
      {"/\\evil.example", "/%5Cevil.example/"},
      {"/x/..//evil.example/y/.", "/evil.example/y/"},
      {"/x/%0d%0aSet-Cookie:a", "/x/%0D%0ASet-Cookie:a/"},
      {"http://a/sub?q", "/sub/?q"},
      {"*", ""},
  }));
  CHECK(content::directory_location(c.target) == c.want);
}

TEST_CASE("errors say what they are, in a short text", "[static-files]") {
  Fixture f;
  f.site.write("x", "x");
  std::filesystem::create_symlink("/etc/passwd", f.site.root / "out");
  const auto missing = f.ask("GET /nothing");
  CHECK(missing.status == 404);
  CHECK(body_of(missing) == "404 Not Found\n");
  CHECK(missing.length == 14);
  const auto head = f.ask("HEAD /nothing");
  CHECK(head.length == 14);
  CHECK(head.body.empty());
  CHECK(f.ask("GET /out").status == 403);
  const auto post = f.ask("POST /x");
  CHECK(post.status == 405);
  CHECK(field_of(post, "Allow") == "GET, HEAD");
}

TEST_CASE("no descriptors left is 503, and passes", "[static-files]") {
  Fixture f;
  f.site.write("x", "x");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<os::UniqueFd> hoard;
  for (;;) {
    os::UniqueFd fd(os::open_directory("/").fd);
    if (!fd.valid()) break;
    hoard.push_back(std::move(fd));
  }
  const int status = f.ask("GET /x").status;
  hoard.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(status == 503);
  CHECK(f.ask("GET /x").status == 200);
}

TEST_CASE("conditions: the validators of a first answer save the second", "[static-files]") {
  Fixture f;
  f.site.write("x", "0123456789");
  const auto first = f.ask("GET /x");
  const std::string etag = field_of(first, "ETag"), modified = field_of(first, "Last-Modified");
  for (const std::string& condition : {"If-None-Match: " + etag, "If-Modified-Since: " + modified}) {
    const auto again = f.ask("GET /x", condition + "\r\n");
    CHECK(again.status == 304);
    CHECK_FALSE(again.has_length);
    CHECK(again.body.empty());
    CHECK(field_of(again, "ETag") == etag);
  }
  CHECK(f.ask("GET /x", "If-Match: \"other\"\r\n").status == 412);
  const std::string range = "Range: bytes=2-3\r\n";
  CHECK(f.ask("GET /x", range + "If-Range: " + etag + "\r\n").status == 206);
  CHECK(f.ask("GET /x", range + "If-Range: \"other\"\r\n").status == 200);

  f.site.replace("x", "9876543210");
  CHECK(f.ask("GET /x", "If-None-Match: " + etag + "\r\n").status == 200);
}

TEST_CASE("one range", "[static-files]") {
  Fixture f;
  f.site.write("x", "0123456789");
  struct Case {
    std::string range, body, content_range;
  };
  for (const auto& c : std::vector<Case>{{"bytes=2-3", "23", "bytes 2-3/10"},
                                         {"bytes=7-", "789", "bytes 7-9/10"},
                                         {"bytes=-1", "9", "bytes 9-9/10"},
                                         {"bytes=8-99", "89", "bytes 8-9/10"}}) {
    INFO(c.range);
    const auto answer = f.ask("GET /x", "Range: " + c.range + "\r\n");
    CHECK(answer.status == 206);
    CHECK(answer.length == c.body.size());
    CHECK(body_of(answer) == c.body);
    CHECK(field_of(answer, "Content-Range") == c.content_range);
    CHECK(field_of(answer, "Content-Type") == "application/octet-stream");
  }
  const auto beyond = f.ask("GET /x", "Range: bytes=10-\r\n");
  CHECK(beyond.status == 416);
  CHECK(field_of(beyond, "Content-Range") == "bytes */10");
  CHECK(f.ask("GET /x", "Range: bytes=0-0\r\nRange: bytes=1-1\r\n").status == 200);  // which one?
}

TEST_CASE("several ranges come as parts whose length is announced exactly", "[static-files]") {
  Fixture f;
  f.site.write("x.txt", "0123456789");
  const auto answer = f.ask("GET /x.txt", "Range: bytes=0-1, -2\r\n");
  CHECK(answer.status == 206);
  CHECK(field_of(answer, "Content-Range").empty());
  const std::string type = field_of(answer, "Content-Type"), start = "multipart/byteranges; boundary=";
  REQUIRE(type.starts_with(start));
  const std::string boundary = type.substr(start.size());
  CHECK(boundary.size() <= 70);  // RFC 2046 section 5.1.1
  const std::string body = body_of(answer);
  CHECK(body ==
        "--" + boundary +
            "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--" +
            boundary +
            "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--" +
            boundary + "--\r\n");
  CHECK(answer.length == body.size());
  const auto again = f.ask("GET /x.txt", "Range: bytes=0-1, -2\r\n");
  CHECK(field_of(again, "Content-Type") != type);
}

TEST_CASE("the kind of a file is known by its ending", "[static-files]") {
  CHECK(content::content_type_of("a/b.HTML") == "text/html; charset=utf-8");
  CHECK(content::content_type_of("x.min.js") == "text/javascript; charset=utf-8");
  for (const char* unknown : {"", "a.html/b", ".html", "a/.json", "x.", "x.unheard", "x.webmanifests"})
    CHECK(content::content_type_of(unknown) == "application/octet-stream");
}

TEST_CASE("a root that is none is refused with its name", "[static-files]") {
  content::Worker worker;
  config::Files config;
  config.root = "/nonexistent/site";
  CHECK_THROWS_WITH(content::StaticFiles(config, worker.files),
                    "files: /nonexistent/site: No such file or directory");
}

TEST_CASE("files are closed with the last who serves them", "[static-files]") {
  Fixture f;
  f.site.write("a", "one");
  CHECK(body_of(f.ask("GET /a")) == "one");
  auto old = std::exchange(f.files, f.make());  // as a reload does
  CHECK(body_of(f.ask("GET /a")) == "one");
  CHECK(f.worker.files.size() == 2);
  old.reset();
  CHECK(f.worker.files.size() == 1);
}
