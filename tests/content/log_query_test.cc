#include "content/log_query.h"

#include "catch.h"

using namespace sluice;
using content::LogFormat;
using content::LogQuery;
using From = content::LogQuery::From;

namespace {

struct Asked {
  LogQuery query;
  std::string wrong;
  bool found = false;
};

Asked ask(std::string_view path, std::string_view query = {}) {
  Asked out;
  out.wrong = content::read_log_query(path, query, out.query, out.found);
  return out;
}

}  // namespace

TEST_CASE("a path names a topic and a partition", "[log-query]") {
  for (const char* path : {"", "/"}) CHECK(ask(path).query.topic.empty());
  for (const char* path : {"/t", "/t/"}) {
    CHECK(ask(path).query.topic == "t");
    CHECK_FALSE(ask(path).query.partition.has_value());
  }
  CHECK(ask("/a.b-c_d/12").query.topic == "a.b-c_d");
  CHECK(ask("/t/12").query.partition == 12);
  CHECK(ask("/t/12/").found);
  for (const char* path : {"/t/x", "/t/-1", "/t/1x", "/t/1/2", "//1", "/t//", "/t/99999999999"})
    CHECK_FALSE(ask(path).found);
}

TEST_CASE("parameters are read, and a wrong one is named", "[log-query]") {
  CHECK(ask("/t/0").query.from == From::kEarliest);
  CHECK(ask("/t/0", "offset=latest").query.from == From::kLatest);
  CHECK(ask("/t/0", "offset=7").query.number == 7);
  CHECK(ask("/t/0", "offset=-7").query.from == From::kLast);
  CHECK(ask("/t/0", "offset=-7").query.number == 7);
  CHECK(ask("/t/0", "format=json&max_bytes=64KiB").query.most == 65536);
  CHECK(ask("/t/0", "format=json").query.format == LogFormat::kJson);
  CHECK(ask("/t/0", "follow").query.follow);
  CHECK_FALSE(ask("/t/0", "follow=0").query.follow);
  const std::pair<const char*, const char*> wrong[] = {
      {"offset=", "offset "},         {"offset=--1", "offset "},
      {"offset=1x", "offset "},       {"offset=9223372036854775808", "offset "},
      {"format=xml", "format "},      {"format", "format "},
      {"max_bytes=1k", "max_bytes "}, {"follow=yes", "follow "},
      {"fromat=text", "fromat "},     {"follow&max_bytes=1", "max_bytes "},
  };
  for (const auto& [query, name] : wrong) {
    CAPTURE(query);
    CHECK(ask("/t/0", query).wrong.starts_with(name));
  }
}
