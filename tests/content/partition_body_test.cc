#include "content/partition_body.h"

#include "content/log_files.h"
#include "content/site.h"
#include "log/record.h"

using namespace sluice;
using namespace std::chrono_literals;
using content::Growth;
using content::LogFormat;
using content::LogQuery;

namespace {

// A partition "t-0" of one segment, whose views are made by hand.
struct Fixture : loop::Deadline {
  Fixture() {
    view.topic = "t";
    view.directory = (site.root / "t-0").string();
    view.segments.emplace_back();
    std::filesystem::create_directories(site.root / "t-0");
    publish();
  }

  // A batch of one record a value.
  void append(std::initializer_list<const char*> values) {
    log::BatchBuilder builder;
    for (const char* value : values) builder.add(1, std::nullopt, value);
    stored += builder.finish(view.end, 0);
    view.end += static_cast<std::int64_t>(values.size());
    publish();
  }
  void publish() {
    const std::string name = "t-0/00000000000000000000.log";
    site.write(name, stored);
    struct stat status;
    int error = 0;
    REQUIRE(os::status_of((site.root / name).string(), status, error));
    view.segments[0].inode = status.st_ino;
    view.segments[0].size = stored.size();
    view.segments[0].end_offset = view.last_stable = view.end;
    catalog.update(std::make_shared<log::PartitionView>(view), {});
  }

  // What there is of it, waiting for what is being looked up.
  std::string read(content::GrowingBody& body) {
    body.on_change([this] { loop.stop(); });
    std::string out;
    for (;;) {
      relay::Body pieces;
      last = body.next(pieces);
      if (last == Growth::kPending) {
        loop.deadlines().set(*this, os::now() + 10s);
        loop.run();
        cancel();
        continue;
      }
      if (last != Growth::kPieces) return out;
      for (const relay::Piece& piece : pieces) {
        const auto* range = std::get_if<relay::FileRange>(&piece);
        out += range != nullptr ? content::text_of(*range->file, range->offset, range->length)
                                : std::get<std::string>(piece);
      }
    }
  }
  void on_deadline() override { FAIL("nothing was told"); }

  struct Asked {
    content::Answer answer;
    std::unique_ptr<content::GrowingBody> body;
  };
  Asked ask(std::string_view query) {
    Asked out;
    loop::Ticket ticket;
    content::LogFiles files(means);
    while (!files.answer(http::Method::kGet, "/t/0", query, out.answer, out.body, ticket,
                         [this] { loop.stop(); }))
      loop.run();
    return out;
  }

  content::Site site;
  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  log::Catalog catalog;
  log::Reader reader{loop, offload, 4};
  content::LogMeans means{catalog, reader, loop, offload};
  log::PartitionView view;
  std::string stored;
  Growth last = Growth::kQuiet;
};

}  // namespace

TEST_CASE("a partition is followed as bytes and as lines", "[partition-body]") {
  Fixture f;
  f.append({"zero", "one"});
  const auto bytes = f.ask("follow"), lines = f.ask("follow&format=text&offset=1");
  CHECK(f.read(*bytes.body) == f.stored);
  CHECK(f.read(*lines.body) == "one\n");
  CHECK(f.last == Growth::kQuiet);
  const std::size_t before = f.stored.size();
  f.append({"two"});
  f.append({"three"});
  CHECK(f.read(*bytes.body) == f.stored.substr(before));
  CHECK(f.read(*lines.body) == "two\nthree\n");
  f.catalog.remove("t", 0);
  CHECK(f.read(*bytes.body).empty());
  CHECK(f.last == Growth::kEnd);
}

TEST_CASE("lines have an end of their own unless they are followed", "[partition-body]") {
  Fixture f;
  f.append({"zero"});
  f.append({"one"});
  const auto asked = f.ask("format=text&max_bytes=1");
  CHECK_FALSE(asked.body->follows());
  CHECK(asked.answer.fields.find("X-Next-Offset: 1\r\n") != std::string::npos);
  f.append({"two"});
  CHECK(f.read(*asked.body) == "zero\n");
  CHECK(f.last == Growth::kEnd);
}

TEST_CASE("records that are gone before they were sent cut the body", "[partition-body]") {
  const std::string format = GENERATE("batches", "text");
  Fixture f;
  f.append({"zero"});
  const auto asked = f.ask("follow&format=" + format);
  CHECK_FALSE(f.read(*asked.body).empty());
  f.append({"one", "two"});
  SECTION("by retention") {
    f.view.log_start = 2;
    f.publish();
  }
  SECTION("with their topic") { f.catalog.remove("t", 0); }
  SECTION("by a truncation below what was sent") {
    f.view.end = 0;
    f.stored.clear();
    f.publish();
  }
  CHECK(f.read(*asked.body).empty());
  CHECK(f.last == Growth::kCut);
}

TEST_CASE("what is not committed is bytes, but no line", "[partition-body]") {
  Fixture f;
  f.append({"zero"});
  f.append({"one"});
  f.view.last_stable = 1;
  f.catalog.update(std::make_shared<log::PartitionView>(f.view), {});
  CHECK(f.read(*f.ask("format=text").body) == "zero\n");
  CHECK(f.ask("offset=2&format=text").answer.status == 200);
  const auto asked = f.ask("offset=latest&format=text&follow");
  CHECK(f.read(*asked.body).empty());
  CHECK(f.last == Growth::kQuiet);
  f.publish();
  CHECK(f.read(*asked.body) == "one\n");
}
