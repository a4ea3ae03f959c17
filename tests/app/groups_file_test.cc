#include "app/groups_file.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>
#include <sstream>
#include <string>

#include "catch.h"
#include "os/state.h"
#include "scratch_directory.h"

namespace sluice::app {
namespace {

using os::state_directory;
using os::StateHints;

// What the error log is told meanwhile.
class Told {
 public:
  Told() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_, /*force_flush=*/true)));
  }
  ~Told() { spdlog::set_default_logger(before_); }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream text_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("state goes where systemd says, else to root's place, else to the user's", "[groups-file]") {
  StateHints hints{
      .state_directory = "/run/one:/run/two", .xdg_state_home = "/x", .home = "/h", .root = true};
  CHECK(state_directory(hints) == "/run/one");
  hints.state_directory = "";
  CHECK(state_directory(hints) == "/var/lib/sluice");
  hints.root = false;
  CHECK(state_directory(hints) == "/x/sluice");
  hints.xdg_state_home = "relative";  // to be ignored, says the specification
  CHECK(state_directory(hints) == "/h/.local/state/sluice");
  hints.home = "";
  CHECK(state_directory(hints).empty());
}

TEST_CASE("each log has a file of its own, whatever way leads to it, in a directory that others can't enter",
          "[groups-file]") {
  const testing::ScratchDirectory base;
  const std::string log = base.make_directory("log"), other = base.make_directory("other");
  std::filesystem::create_directory_symlink("log", base / "link");
  const StateHints hints{.home = base / "home"};
  const Told told;

  const std::string file = groups_file(log, "", hints);
  CHECK(std::regex_match(file, std::regex(".*/home/.local/state/sluice/groups-[0-9a-f]{16}\\.sqlite")));
  struct stat made {};
  REQUIRE(::stat((base / "home/.local/state/sluice").c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0700);
  CHECK_FALSE(std::filesystem::exists(file));  // whoever opens it makes it

  CHECK(groups_file(log, "", hints) == file);
  CHECK(groups_file(base / "link/", "", hints) == file);
  CHECK(groups_file(base / "other/../log", "", hints) == file);
  CHECK(groups_file(other, "", hints) != file);
  CHECK(told.text().empty());
}

TEST_CASE("without a place for state the groups live in memory, and people are told why", "[groups-file]") {
  const testing::ScratchDirectory base;
  const std::string log = base.make_directory("log");
  const auto told = [](const std::string& served, const StateHints& hints) {
    const Told log_of_errors;
    CHECK(groups_file(served, "", hints).empty());
    return log_of_errors.text();
  };
  CHECK(has(told(log, {}), "kept in memory and end with this process: neither STATE_DIRECTORY"));
  CHECK(has(told(log, {.home = base.write("file", "")}), "Not a directory"));
  CHECK(has(told(base / "nowhere", {.home = base / "home"}), "No such file"));
  // A home in the log, or the log above all: nothing is made in it.
  CHECK(has(told(log, {.home = log}), "only read"));
  CHECK(std::filesystem::is_empty(log));
  CHECK(has(told("/", {.home = base / "home"}), "only read"));
}

TEST_CASE("root makes the directory for the user that the process becomes, and takes none of others'",
          "[groups-file]") {
  if (!os::is_root()) {
    WARN("skipped: only root can make a directory for another user");
    return;
  }
  const testing::ScratchDirectory base;
  const std::string log = base.make_directory("log"), given = base.make_directory("given");
  const auto owner = [&] {
    struct stat now {};
    REQUIRE(::stat(given.c_str(), &now) == 0);
    return now.st_uid;
  };
  const StateHints hints{.state_directory = given, .root = true};
  CHECK_FALSE(groups_file(log, "nobody", hints).empty());
  CHECK(owner() != 0);
  CHECK_FALSE(groups_file(log, "nobody", hints).empty());
  const Told told;
  CHECK(groups_file(log, "daemon", hints).empty());
  CHECK(has(told.text(), "Permission denied"));
}

}  // namespace
}  // namespace sluice::app
