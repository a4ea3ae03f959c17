#include "content/followed_file.h"

#include <fcntl.h>

#include "content/site.h"
#include "http/query.h"

using namespace sluice;
using namespace std::chrono_literals;
using content::Follow;
using content::Growth;

namespace {

struct Fixture : loop::Deadline {
  std::shared_ptr<content::WatchedFile> watch(const std::string& name) {
    os::FileOr opened = os::open_file((site.root / name).string());
    REQUIRE(opened.error == 0);
    int error = 0;
    auto watched = watches.watch(std::make_shared<relay::File>(std::move(opened.fd), 0), error);
    REQUIRE(error == 0);
    return watched;
  }
  std::unique_ptr<content::FollowedFile> follow(const std::string& name, const Follow& from = {}) {
    auto out = std::make_unique<content::FollowedFile>(watches, watch(name), from);
    out->on_change([this] { loop.stop(); });
    return out;
  }
  void append(const std::string& name, std::string_view text) const {
    std::ofstream(site.root / name, std::ios::binary | std::ios::app) << text;
  }
  // Runs the loop until something is told; false: for a long time nothing was.
  bool told(std::chrono::milliseconds within = 10s) {
    late = false;
    loop.deadlines().set(*this, os::now() + within);
    loop.run();
    cancel();
    return !late;
  }
  void on_deadline() override {
    late = true;
    loop.stop();
  }
  // What there is of it, waiting for what is being looked up.
  std::string read(content::GrowingBody& body) {
    std::string out;
    for (;;) {
      relay::Body pieces;
      last = body.next(pieces);
      if (last == Growth::kPending) {
        REQUIRE(told());
        continue;
      }
      if (last != Growth::kPieces) return out;
      for (const relay::Piece& piece : pieces) {
        const auto& range = std::get<relay::FileRange>(piece);
        out += content::text_of(*range.file, range.offset, range.length);
      }
    }
  }

  content::Site site;
  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  content::FileWatches watches{loop, offload};
  Growth last = Growth::kQuiet;
  bool late = false;
};

Follow tail(std::uint64_t bytes) { return {.wanted = true, .has_tail = true, .tail = bytes}; }

}  // namespace

TEST_CASE("a query says what is followed, and from where", "[followed-file]") {
  const auto ask = [](std::string_view target) { return content::follow_in(target); };
  CHECK_FALSE(ask("/a").wanted);
  CHECK_FALSE(ask("/follow?x").wanted);
  CHECK_FALSE(ask("/a?follow=0").wanted);
  CHECK_FALSE(ask("/a?follow=true").wanted);
  CHECK(ask("/a?follow").wanted);
  CHECK(ask("/a?x=y&follow=1&&z").wanted);
  CHECK(ask("/a?follow&offset=7").offset == 7);
  CHECK(ask("/a?follow&tail=70").tail == 70);
  CHECK(ask("/a?follow&tail=70").wrong.empty());
  for (const char* wrong :
       {"tail=", "tail", "tail=-1", "tail=1k", "tail=99999999999999999999", "offset=1&tail=1"})
    CHECK(ask("/a?follow&" + std::string(wrong)).wrong == "tail");
  CHECK(ask("/a?follow&offset=x").wrong == "offset");
}

TEST_CASE("what a file grows by is told and given out, once", "[followed-file]") {
  Fixture f;
  f.site.write("log", "one\n");
  const auto body = f.follow("log");
  CHECK(f.read(*body) == "one\n");
  CHECK(f.last == Growth::kQuiet);
  CHECK(f.read(*body).empty());
  f.append("log", "two\n");
  CHECK(f.read(*body).empty());  // the kernel's word is waited for, the file is not asked again and again
  REQUIRE(f.told());
  f.append("log", "three\n");
  CHECK(f.read(*body) == "two\n");
  REQUIRE(f.told());
  CHECK(f.read(*body) == "three\n");
  CHECK(f.last == Growth::kQuiet);
}

TEST_CASE("a follower begins at a byte, or at a line near the end", "[followed-file]") {
  Fixture f;
  f.site.write("log", "first\nsecond\nthird\n");
  const auto from = [&](const Follow& follow) { return f.read(*f.follow("log", follow)); };
  CHECK(from({.offset = 3}) == "st\nsecond\nthird\n");
  CHECK(from({.offset = 19}).empty());
  CHECK(from(tail(0)).empty());
  CHECK(from(tail(1)).empty());  // the end of the last line is not the beginning of another
  CHECK(from(tail(6)) == "third\n");
  CHECK(from(tail(7)) == "third\n");
  CHECK(from(tail(12)) == "third\n");
  CHECK(from(tail(13)) == "second\nthird\n");
  CHECK(from(tail(19)) == "first\nsecond\nthird\n");
  CHECK(from(tail(1000)) == "first\nsecond\nthird\n");
  f.site.write("log", std::string(100'000, 'x'));
  CHECK(from(tail(80'000)).size() == 80'000);  // no line begins within reach
}

TEST_CASE("a file that becomes shorter than what was given out cuts the body", "[followed-file]") {
  Fixture f;
  f.site.write("log", "0123456789");
  const auto body = f.follow("log");
  CHECK(f.read(*body).size() == 10);
  std::filesystem::resize_file(f.site.root / "log", 9);
  REQUIRE(f.told());
  CHECK(f.read(*body).empty());
  CHECK(f.last == Growth::kCut);
}

TEST_CASE("a file that lost its name is followed until its writer has heard of it", "[followed-file]") {
  Fixture f;
  f.site.write("log", "one");
  const auto body = f.follow("log");
  CHECK(f.read(*body) == "one");
  std::ofstream writer(f.site.root / "log", std::ios::app);
  const int how = GENERATE(0, 1, 2);
  if (how == 0) std::filesystem::rename(f.site.root / "log", f.site.root / "log.1");
  if (how == 1) std::filesystem::remove(f.site.root / "log");
  if (how == 2) f.site.replace("log", "another");
  REQUIRE(f.told());
  CHECK(f.read(*body).empty());
  CHECK(f.last == Growth::kQuiet);
  writer << "two" << std::flush;
  REQUIRE(f.told());
  CHECK(f.read(*body) == "two");
  CHECK(f.last == Growth::kQuiet);
  const os::Time before = os::now();
  REQUIRE(f.told());
  CHECK(os::now() - before > 500ms);
  CHECK(f.read(*body).empty());
  CHECK(f.last == Growth::kEnd);
  if (how != 0) return;
  // Found by its new name it is a file like others.
  const auto renamed = f.follow("log.1");
  CHECK(f.read(*renamed) == "onetwo");
  CHECK_FALSE(f.told(1500ms));
  CHECK(f.read(*renamed).empty());
  CHECK(f.last == Growth::kQuiet);
}

TEST_CASE("a file that has no name any more when it is asked for ends, too", "[followed-file]") {
  Fixture f;
  f.site.write("log", "text");
  const auto opened = f.watch("log");
  const auto file = opened->file();
  std::filesystem::remove(f.site.root / "log");
  int error = 0;
  content::FollowedFile body(f.watches, f.watches.watch(file, error), {});
  body.on_change([&] { f.loop.stop(); });
  CHECK(f.read(body) == "text");
  while (f.last == Growth::kQuiet && f.told()) CHECK(f.read(body).empty());
  CHECK(f.last == Growth::kEnd);
}

TEST_CASE("followers of one file share its watch and its descriptor", "[followed-file]") {
  Fixture f;
  f.site.write("log", "text");
  f.site.write("other", "text");
  auto first = f.watch("log"), second = f.watch("log"), other = f.watch("other");
  CHECK(first == second);
  CHECK(first != other);
  CHECK(f.watches.size() == 2);
  first.reset();
  CHECK(f.watches.size() == 2);
  second.reset();
  CHECK(f.watches.size() == 1);
  CHECK(f.watch("log")->size() == 4);
}

TEST_CASE("when the kernel could not tell of all changes every file is looked at", "[followed-file]") {
  Fixture f;
  f.site.write("a", "");
  f.site.write("b", "");
  f.site.write("late", "");
  const auto late = f.follow("late");
  CHECK(f.read(*late).empty());
  const auto a = f.watch("a"), b = f.watch("b");
  os::FileOr out[2] = {os::FileOr{os::UniqueFd(::open((f.site.root / "a").c_str(), O_WRONLY)), 0},
                       os::FileOr{os::UniqueFd(::open((f.site.root / "b").c_str(), O_WRONLY)), 0}};
  // Identical events that follow each other are one, so they take turns.
  for (int i = 0; i < 40'000; ++i) REQUIRE(::write(out[i % 2].fd.get(), "x", 1) == 1);
  f.append("late", "text");
  REQUIRE(f.told());
  CHECK(f.read(*late) == "text");
}
