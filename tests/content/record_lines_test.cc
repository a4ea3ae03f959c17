#include "content/record_lines.h"

#include "content/site.h"
#include "log/record.h"

using namespace sluice;
using content::LogFormat;
using content::RecordLines;

namespace {

// A segment's file of batches made here.
struct Segment {
  // Records "KEY=VALUE"; attributes: transactional 16, control 32.
  void add(std::int64_t base, std::initializer_list<const char*> values, int attributes = 0,
           std::int64_t producer = -1, log::Codec codec = log::Codec::kNone) {
    log::BatchBuilder builder(codec);
    for (const char* value : values) builder.add(1000 + base, std::nullopt, value);
    std::string batch = builder.finish(base, 0);
    log::BatchHead head;
    REQUIRE(log::read_head(batch, batch.size(), head) == log::Scan::kBatch);
    head.attributes = static_cast<std::int16_t>(head.attributes | attributes);
    head.producer_id = producer;
    text += log::sealed(head, std::string_view(batch).substr(log::kBatchHead));
  }
  std::shared_ptr<relay::File> file() {
    site.write("segment", text);
    os::FileOr opened = os::open_file((site.root / "segment").string());
    REQUIRE(opened.error == 0);
    return std::make_shared<relay::File>(std::move(opened.fd), text.size());
  }
  std::vector<relay::FileRange> all() {
    return {relay::FileRange{.file = file(), .offset = 0, .length = text.size()}};
  }

  content::Site site;
  std::string text;
};

std::string lines_of(RecordLines& lines, std::size_t most = 1 << 20) {
  std::string out;
  while (!lines.done()) {
    std::string step;
    if (!lines.more(step, most)) return out + step + "failed: " + std::string(lines.why());
    CHECK(step.size() < most + 128);
    out += step;
  }
  return out;
}

}  // namespace

TEST_CASE("records become lines, from the first one asked for, however small the steps", "[record-lines]") {
  const auto codec = GENERATE(values({log::Codec::kNone, log::Codec::kZstd}));
  const std::size_t step = GENERATE(1, 5, 1000);
  Segment segment;
  segment.add(0, {"zero", "one"}, 0, -1, codec);
  segment.add(2, {"two", "three", "four"}, 0, -1, codec);
  segment.add(7, {"seven"}, 0, -1, codec);  // a compaction left a gap
  const std::string wanted[] = {"zero\none\ntwo\nthree\nfour\nseven\n", "three\nfour\nseven\n", "seven\n",
                                ""};
  const std::int64_t from[] = {0, 3, 5, 8};
  for (int i = 0; i < 4; ++i) {
    RecordLines lines(LogFormat::kText, from[i]);
    lines.begin(segment.all(), nullptr);
    CHECK(lines_of(lines, step) == wanted[i]);
    lines.begin(segment.all(), nullptr);  // and it can go on
    CHECK(lines_of(lines, step) == wanted[i]);
  }
  RecordLines json(LogFormat::kJson, 7);
  json.begin(segment.all(), nullptr);
  CHECK(lines_of(json, step) ==
        "{\"offset\":7,\"timestamp\":1007,\"key\":null,\"value\":\"seven\",\"headers\":[]}\n");
}

TEST_CASE("a line for each value, whatever it holds", "[record-lines]") {
  Segment segment;
  log::BatchBuilder builder;
  builder.add(1, "key", std::nullopt);
  builder.add(2, std::nullopt, "");
  builder.add(3, std::nullopt, "two\nlines", {{"header", "value"}});
  builder.add(4, std::nullopt, "\xff\x01");
  segment.text = builder.finish(0, 0);
  RecordLines text(LogFormat::kText, 0), json(LogFormat::kJson, 2);
  text.begin(segment.all(), nullptr);
  CHECK(lines_of(text) == "\n\ntwo\nlines\n\xff\x01\n");
  json.begin(segment.all(), nullptr);
  CHECK(lines_of(json) ==
        "{\"offset\":2,\"timestamp\":3,\"key\":null,\"value\":\"two\\u000alines\","
        "\"headers\":[{\"key\":\"header\",\"value\":\"value\"}]}\n"
        "{\"offset\":3,\"timestamp\":4,\"key\":null,\"value_base64\":\"/wE=\",\"headers\":[]}\n");
}

TEST_CASE("markers and what was given up are left out", "[record-lines]") {
  constexpr int kTransactional = 16, kControl = 32;
  Segment segment;
  segment.add(0, {"plain"});
  segment.add(1, {"given up"}, kTransactional, 7);
  segment.add(2, {"kept"}, kTransactional, 8);
  segment.add(3, {"marker"}, kTransactional | kControl, 7);
  segment.add(4, {"marker"}, kTransactional | kControl, 8);
  segment.add(5, {"later"}, kTransactional, 7);
  segment.add(6, {"marker"}, kTransactional | kControl, 7);
  segment.add(7, {"given up, too"}, kTransactional, 8);
  segment.add(8, {"marker"}, kTransactional | kControl, 8);
  auto view = std::make_shared<log::PartitionView>();
  view->aborted = {{.producer_id = 7, .first_offset = 1, .last_offset = 3},
                   {.producer_id = 8, .first_offset = 7, .last_offset = 8}};
  RecordLines lines(LogFormat::kText, 0);
  lines.begin(segment.all(), view);
  CHECK(lines_of(lines) == "plain\nkept\nlater\n");
}

TEST_CASE("what can't be read is told, and never looks like an end", "[record-lines]") {
  Segment segment;
  segment.add(0, {"zero", "one"});
  const std::size_t first = segment.text.size();
  segment.add(2, {"two"});
  const std::string whole = segment.text;
  const auto read = [&](std::vector<relay::FileRange> ranges) {
    RecordLines lines(LogFormat::kText, 0);
    lines.begin(std::move(ranges), nullptr);
    return lines_of(lines);
  };
  SECTION("a file that was cut between two batches") {
    auto ranges = segment.all();
    std::filesystem::resize_file(segment.site.root / "segment", first);
    CHECK(read(std::move(ranges)).starts_with("zero\none\nfailed: "));
  }
  SECTION("and inside one") {
    auto ranges = segment.all();
    std::filesystem::resize_file(segment.site.root / "segment", first + 70);
    CHECK(read(std::move(ranges)).starts_with("zero\none\nfailed: "));
  }
  SECTION("a length that can't be") {
    segment.text[first + 8] = '\x7f';
    CHECK(read(segment.all()).starts_with("zero\none\nfailed: "));
  }
  SECTION("records that can't be") {
    segment.text[first + log::kBatchHead] = '\x7f';
    CHECK(read(segment.all()).starts_with("zero\none\nfailed: "));
  }
}
