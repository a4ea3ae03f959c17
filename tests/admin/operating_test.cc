// The operating notes and the code say the same.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "admin/status_page.h"
#include "catch.h"
#include "observe/ending.h"

using namespace sluice;

namespace {

const std::filesystem::path kTop = SLUICE_SOURCES;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The rows "| first cell | ... |" under "## section", without the table's head.
std::vector<std::string> rows(const std::string& section) {
  std::istringstream lines(contents(kTop / "conf/OPERATING.md"));
  std::vector<std::string> found;
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) current = line.substr(3);
    if (current == section && line.starts_with("| ")) found.push_back(line);
  }
  REQUIRE_FALSE(found.empty());
  found.erase(found.begin());
  return found;
}

// What the rows' first cells name: "| `name` | ...".
std::vector<std::string> names(const std::string& section) {
  std::vector<std::string> found;
  for (const std::string& row : rows(section)) {
    CAPTURE(row);
    REQUIRE(row.starts_with("| `"));
    found.push_back(row.substr(3, row.find('`', 3) - 3));
  }
  return found;
}

// All "test_..." in a text, as often as they stand there.
std::multiset<std::string> tests_in(const std::string& text, const std::string& before,
                                    const std::string& after) {
  const std::regex pattern(before + "(test_[a-z0-9_]+)" + after);
  std::multiset<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.insert((*at)[1]);
  return found;
}

}  // namespace

TEST_CASE("the operating notes explain every ending, in the order of the code", "[operating]") {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < observe::kEndings; ++i)
    known.emplace_back(observe::name_of(static_cast<observe::Ending>(i)));
  CHECK(names("How exchanges end") == known);
}

TEST_CASE("the operating notes explain every counter of the status page, in its order", "[operating]") {
  const observe::Counters counters;
  const observe::Counters* const worker[] = {&counters};
  const auto page = nlohmann::ordered_json::parse(admin::status_page(worker, {}));
  // A family is explained once: "endings_*".
  const std::string families[] = {"bodies_by_path_",   "bytes_by_path_",       "bodies_by_reason_",
                                  "bodies_by_coding_", "bytes_before_coding_", "bytes_after_coding_",
                                  "endings_",          "http2_goaways_"};
  std::vector<std::string> known;
  for (const auto& [name, value] : page["counters"].items()) {
    std::string shown = name;
    for (const std::string& family : families) {
      if (name.starts_with(family)) shown = family + "*";
    }
    if (known.empty() || known.back() != shown) known.push_back(shown);
  }
  CHECK(names("Counters") == known);
}

TEST_CASE("each fault in the operating notes has its test, and each test of survival its fault",
          "[operating]") {
  std::string end_to_end;
  for (const auto& file : std::filesystem::directory_iterator(kTop / "tests/e2e")) {
    if (file.path().extension() == ".py") end_to_end += contents(file.path());
  }
  const auto known = tests_in(end_to_end, "def ", "\\(");
  std::multiset<std::string> named;
  for (const std::string& row : rows("Faults")) {
    CAPTURE(row);
    const auto found = tests_in(row, "\\| `", "` \\|$");
    REQUIRE(found.size() == 1);
    CHECK(known.contains(*found.begin()));
    named.insert(*found.begin());
  }
  for (const std::string& test : tests_in(contents(kTop / "tests/e2e/test_survival.py"), "def ", "\\(")) {
    CAPTURE(test);
    CHECK(named.count(test) == 1);
  }
}
