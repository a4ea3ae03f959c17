// Where curves cross, and the file that says so.
#include "app/calibration.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "app/relay_trial.h"
#include "catch.h"
#include "config/thresholds.h"
#include "os/process.h"

namespace sluice::app {
namespace {

using Kind = Crossing::Kind;

// Sizes 1 KiB, 2 KiB, ...; three rounds that agree.
Curve curve(const std::vector<double>& copied, const std::vector<double>& spliced) {
  Curve out{.name = "socket", .paths = {"buffered", "splice"}, .rows = {}};
  for (std::size_t i = 0; i < copied.size(); ++i) {
    const auto steady = [](double ns) { return Samples{{ns * 0.99, ns, ns * 1.01}}; };
    out.rows.push_back({.size = 1_KiB << i, .by_path = {steady(copied[i]), steady(spliced[i])}});
  }
  return out;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the threshold is where the curves cross", "[calibration]") {
  struct Row {
    const char* when;
    std::vector<double> copied, spliced;
    Kind kind;
    std::uint64_t least;
    bool doubtful;
  };
  const std::vector<Row> rows = {
      {"once", {100, 200, 300, 400, 500}, {250, 260, 270, 280, 290}, Kind::kCrosses, 4_KiB, false},
      {"never: the kernel is cheaper", {100, 200, 300}, {90, 100, 110}, Kind::kAlways, 1_KiB, false},
      {"never: copying is cheaper", {90, 100, 110}, {100, 200, 300}, Kind::kNever, kNoBodySoLarge, false},
      {"equal within noise", {100, 100, 100}, {101, 99, 101}, Kind::kAlways, 1_KiB, false},
      {"a lucky small size",
       {100, 200, 300, 400, 500},
       {80, 260, 350, 280, 290},
       Kind::kCrosses,
       8_KiB,
       true},
      {"an unlucky large one",
       {100, 200, 300, 400, 500},
       {250, 260, 270, 280, 550},
       Kind::kCrosses,
       4_KiB,
       true},
  };
  for (const Row& row : rows) {
    const Crossing found = crossing_of(curve(row.copied, row.spliced));
    CAPTURE(row.when, found.doubt);
    CHECK(found.kind == row.kind);
    CHECK(found.least == row.least);
    CHECK(found.doubt.empty() != row.doubtful);
  }
}

TEST_CASE("rounds that differ a lot make it doubtful", "[calibration]") {
  Curve shaky = curve({100, 200, 300}, {250, 190, 200});
  CHECK(crossing_of(shaky).doubt.empty());
  shaky.rows[1].by_path[1].ns = {100, 190, 280};
  CHECK(has(crossing_of(shaky).doubt, "at 2KiB the rounds differ a lot"));
}

TEST_CASE("without measurements the built-in threshold stays", "[calibration]") {
  CHECK(crossing_of({}).kind == Kind::kUnknown);
  CHECK(crossing_of({}).least == config::kBuiltInMin);
}

TEST_CASE("medians and quartiles", "[calibration]") {
  CHECK(Samples{}.median() == 0);
  CHECK(Samples{{7}}.median() == 7);
  CHECK(Samples{{30, 10, 20}}.median() == 20);
  CHECK(Samples{{40, 10, 20, 30}}.median() == 25);
  CHECK(Samples{{10, 20, 30, 40, 50}}.quantile(0.25) == 20);
  CHECK(Samples{{1000, 10, 10, 10, 10}}.spread() == 0);  // one outlier of five
}

TEST_CASE("people see the curve and what follows", "[calibration]") {
  const Curve one = curve({100'000, 200'000}, {250'000, 190'000});
  const std::string text = told(one, crossing_of(one));
  CAPTURE(text);
  CHECK(has(text, "    1KiB"));
  CHECK(has(text, "250.00 +-"));
  CHECK(has(text, "splice costs no more than copying from 2KiB on"));
}

TEST_CASE("the configuration reads what calibrate writes", "[calibration]") {
  const Calibration written{.curves = {curve({100, 200}, {250, 190})},
                            .splice_min = 2048,
                            .sendfile_min = kNoBodySoLarge,
                            .kernel = "6.1.0",
                            .processor = "one \"quoted\"",
                            .date = "2026-11-21T15:00:00Z",
                            .version = "0.1.0"};
  config::Mistakes mistakes;
  const config::Measured read = config::parse_measured(file_text(written), "here", mistakes);
  CHECK(mistakes.empty());
  CHECK(read == config::Measured{.splice_min = 2048,
                                 .sendfile_min = kNoBodySoLarge,
                                 .kernel = "6.1.0",
                                 .processor = "one \"quoted\""});
  const auto file = nlohmann::json::parse(file_text(written));
  CHECK(file["date"] == "2026-11-21T15:00:00Z");
  REQUIRE(file["curve"].size() == 4);
  CHECK(file["curve"][3] ==
        nlohmann::json(
            {{"from", "socket"}, {"path", "splice"}, {"size", 2048}, {"ns", 190}, {"spread", 0.01}}));
}

TEST_CASE("bodies of any size go through the relay, by each path", "[calibration]") {
  os::ignore_sigpipe();
  RelayTrial trial;
  using relay::Force;
  for (const std::uint64_t size : {std::uint64_t{1}, 1_KiB, 100'000UL, RelayTrial::kLargest}) {
    CAPTURE(size);
    for (const Force force : {Force::kBuffered, Force::kSplice})
      CHECK(trial.run({.source = BodySource::kSocket, .force = force, .size = size, .bodies = 9}).count() >
            0);
    for (const Force force : {Force::kBuffered, Force::kSendfile})
      CHECK(trial.run({.source = BodySource::kFile, .force = force, .size = size, .bodies = 9}).count() > 0);
  }
}

}  // namespace sluice::app
