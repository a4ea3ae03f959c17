// Where thresholds come from, and what is said of a file that is missing, broken or another machine's.
#include "config/thresholds.h"

#include <string>

#include "catch.h"
#include "config/parse.h"
#include "os/machine.h"
#include "scratch_directory.h"

namespace sluice::config {
namespace {

using sluice::testing::ScratchDirectory;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const char* const kFile = R"({"format": 1, "splice_min": 4096, "sendfile_min": 65536,
                             "kernel": "1.2.3", "processor": "abacus"})";

// A configuration whose route has `relay`, and whose top level has `top`.
std::string text_with(const std::string& relay, const std::string& top) {
  return R"({"listeners": [{"listen": ":1"}], "upstreams": {"a": "b:1"}, "routes": [{"path": "/", "proxy": "a")" +
         (relay.empty() ? "" : R"(, "relay": {)" + relay + "}") + "}]" + (top.empty() ? "" : ", " + top) +
         "}";
}

std::string complaint(const std::string& text, const std::string& directory) {
  try {
    (void)parse(text, directory);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a route's numbers go before its word, and that before the top level's", "[thresholds]") {
  const ScratchDirectory base;
  base.write("t.json", kFile);
  struct Row {
    std::string relay, top;
    Least splice, sendfile;
  };
  const std::string measured = R"("thresholds": "measured", "thresholds_file": "t.json")";
  const Row rows[] = {
      {"", "", {8_KiB, false}, {8_KiB, false}},
      {"", R"("thresholds": "built-in")", {8_KiB, false}, {8_KiB, false}},
      {"", measured, {4_KiB, false}, {64_KiB, false}},
      {"", R"("thresholds": "auto")", {8_KiB, true}, {8_KiB, true}},
      {R"("thresholds": "measured")", R"("thresholds_file": "t.json")", {4_KiB, false}, {64_KiB, false}},
      {R"("thresholds": "built-in")", measured, {8_KiB, false}, {8_KiB, false}},
      {R"("thresholds": "auto")", measured, {8_KiB, true}, {8_KiB, true}},
      {R"("splice_min": 1)", measured, {1, false}, {64_KiB, false}},
      {R"("sendfile_min": "8KiB")", R"("thresholds": "auto")", {8_KiB, true}, {8_KiB, false}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.relay, row.top);
    const Config config = parse(text_with(row.relay, row.top), base / "");
    const Relay& relay = config.routes[0].relay;
    CHECK(splice_least(relay, config).size == row.splice.size);
    CHECK(splice_least(relay, config).learnt == row.splice.learnt);
    CHECK(sendfile_least(relay, config).size == row.sendfile.size);
    CHECK(sendfile_least(relay, config).learnt == row.sendfile.learnt);
  }
}

TEST_CASE("a file that nobody asks for need not be there", "[thresholds]") {
  const std::string missing = R"("thresholds_file": "/nowhere/t.json")";
  CHECK(complaint(text_with("", missing), "").empty());
  CHECK(complaint(text_with(R"("thresholds": "measured", "splice_min": 1, "sendfile_min": 1)", missing), "")
            .empty());
}

TEST_CASE("what is wrong with the file is told where it was asked for", "[thresholds]") {
  const ScratchDirectory base;
  base.write("syntax.json", "{\n \"format\": }");
  base.write("old.json", R"({"format": 0})");
  base.write("list.json", "[]");
  base.write("text.json", R"({"format": 1, "splice_min": "4096", "sendfile_min": 1})");
  base.write("large.json", R"({"format": 1, "splice_min": 1, "sendfile_min": 1073741825})");
  base.write("half.json", R"({"format": 1, "splice_min": 1})");
  struct Row {
    std::string file, begin, part;
  };
  const Row rows[] = {
      {"none.json", "routes[0].relay.thresholds: there is no ", "run \"sluice calibrate --write "},
      {".", "routes[0].relay.thresholds: can't read ", "Is a directory"},
      {"syntax.json", "routes[0].relay.thresholds: ", "syntax.json, line 2, column "},
      {"old.json", "routes[0].relay.thresholds: ", "old.json, format: is not what this version"},
      {"list.json", "routes[0].relay.thresholds: ", "list.json, format: is not what this version"},
      {"text.json", "routes[0].relay.thresholds: ", "text.json, splice_min: is no number"},
      {"large.json", "routes[0].relay.thresholds: ", "large.json, sendfile_min: is no number"},
      {"half.json", "routes[0].relay.thresholds: ", "half.json, sendfile_min: is no number"},
  };
  for (const Row& row : rows) {
    const std::string top = R"("thresholds_file": ")" + row.file + '"';
    const std::string told = complaint(text_with(R"("thresholds": "measured")", top), base / "");
    CAPTURE(row.file, told);
    CHECK(told.starts_with(row.begin));
    CHECK(has(told, row.part));
  }
  const std::string top = R"("thresholds": "measured", "thresholds_file": "none.json")";
  CHECK(complaint(text_with("", top), base / "").starts_with("thresholds: there is no "));
}

TEST_CASE("a file of another machine is warned of", "[thresholds]") {
  Config config;
  config.thresholds_file = "/t.json";
  config.measured = {.splice_min = 1, .sendfile_min = 1, .kernel = "1.2.3", .processor = "abacus"};
  CHECK(measured_elsewhere(config).empty());  // nobody uses it
  config.thresholds = Thresholds::kMeasured;
  const std::string told = measured_elsewhere(config);
  CAPTURE(told);
  CHECK(has(told, "/t.json"));
  CHECK(has(told, "kernel \"1.2.3\""));
  CHECK(has(told, "processor \"abacus\""));
  const os::Machine here = os::this_machine();
  CHECK_FALSE(here.kernel.empty());
  CHECK_FALSE(here.processor.empty());
  config.measured.processor = here.processor;
  CHECK_FALSE(has(measured_elsewhere(config), "abacus"));
  CHECK(has(measured_elsewhere(config), "1.2.3"));
  config.measured.kernel = here.kernel;
  CHECK(measured_elsewhere(config).empty());
}

}  // namespace sluice::config
