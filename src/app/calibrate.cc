#include "app/calibrate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "app/calibration.h"
#include "app/cli.h"
#include "app/relay_trial.h"
#include "config/size.h"
#include "config/thresholds.h"
#include "os/clock.h"
#include "os/kernel_paths.h"
#include "os/machine.h"
#include "os/process.h"
#include "os/state.h"
#include "os/write_file.h"

namespace sluice::app {
namespace {

using relay::Force;

constexpr unsigned kRounds = 9, kQuickRounds = 3;
constexpr std::uint64_t kSmallest = 1_KiB, kLargestDoubled = 1_MiB;
constexpr std::uint64_t kBytesAtOnce = 16_MiB;  // of a size in a round: enough for the clock, and soon over
constexpr unsigned kLeastBodies = 8, kMostBodies = 512;

struct Way {
  const char* name;
  Force force;
};

// A curve that is being measured.
struct Course {
  BodySource source;
  std::vector<Way> ways;
  Curve curve;
};

Course course_of(BodySource source, const char* name, std::vector<Way> ways) {
  Course course{.source = source, .ways = std::move(ways), .curve = {.name = name, .paths = {}, .rows = {}}};
  for (const Way& way : course.ways) course.curve.paths.emplace_back(way.name);
  const auto add = [&](std::uint64_t size) {
    course.curve.rows.push_back({.size = size, .by_path = std::vector<Samples>(course.ways.size())});
  };
  for (std::uint64_t size = kSmallest; size <= kLargestDoubled; size *= 2) add(size);
  add(RelayTrial::kLargest);
  return course;
}

std::vector<Course> courses() {
  const os::KernelPaths kernel = os::kernel_paths();
  std::vector<Course> out;
  if (kernel.splice)
    out.push_back(course_of(BodySource::kSocket, "socket",
                            {{"buffered", Force::kBuffered}, {"splice", Force::kSplice}}));
  if (kernel.sendfile)
    out.push_back(
        course_of(BodySource::kFile, "file",
                  {{"buffered", Force::kBuffered}, {"sendfile", Force::kSendfile}, {"mmap", Force::kMmap}}));
  return out;
}

void measure(std::vector<Course>& all, unsigned rounds, std::ostream& err) {
  RelayTrial trial;
  const bool shown = os::has_terminal();
  for (unsigned round = 0; round <= rounds; ++round) {  // the first only warms up
    if (shown) err << "\rmeasuring: " << round * 100 / (rounds + 1) << " %  " << std::flush;
    for (Course& course : all)
      for (Curve::Row& row : course.curve.rows)
        for (std::size_t i = 0; i < course.ways.size(); ++i) {
          const auto bodies = static_cast<unsigned>(
              std::clamp<std::uint64_t>(kBytesAtOnce / row.size, kLeastBodies, kMostBodies));
          const auto cost = trial.run(
              {.source = course.source, .force = course.ways[i].force, .size = row.size, .bodies = bodies});
          if (round != 0) row.by_path[i].ns.push_back(static_cast<double>(cost.count()));
        }
  }
  if (shown) err << "\r                  \r" << std::flush;
}

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(os::wall_now());
  std::tm parts{};
  std::ostringstream out;
  if (::gmtime_r(&now, &parts) != nullptr) out << std::put_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
  return out.str();
}

void check(int error, const std::string& file) {
  if (error != 0) throw std::runtime_error(file + ": " + std::generic_category().message(error));
}

// Whoever reads the file meanwhile has the old one or the new one, whole.
void write(const std::string& file, const std::string& text) {
  const std::string fresh = file + ".new";
  const os::FileOr opened = os::open_to_write(fresh);
  check(opened.error, fresh);
  check(os::resize(opened.fd.get(), 0), fresh);
  check(os::write_at(opened.fd.get(), text, 0).error, fresh);
  check(os::let_all_read(opened.fd.get()), fresh);
  check(os::sync_file(opened.fd.get()), fresh);
  check(os::rename_file(fresh, file), file);
}

std::string place_of_file(const Calibrate& wanted) {
  if (!wanted.file.empty()) return wanted.file;
  const std::string file = config::thresholds_file({});
  if (file.empty())
    throw std::runtime_error(
        "neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME says where state goes: name a file, --write FILE");
  const std::string directory = std::filesystem::path(file).parent_path().string();
  const int error = os::own_directory(directory, "");
  // Root may write where the server's user has taken the directory over.
  if (error != 0 && !(error == EACCES && os::is_root())) check(error, directory);
  return file;
}

}  // namespace

int calibrate(const Calibrate& wanted, std::ostream& out, std::ostream& err) {
  try {
    os::ignore_sigpipe();
    std::vector<Course> all = courses();
    if (all.empty())
      throw std::runtime_error("this build has neither splice nor sendfile: nothing to compare");
    const std::string file = wanted.print_only ? "" : place_of_file(wanted);  // before it takes its time
    measure(all, wanted.quick ? kQuickRounds : kRounds, err);

    const os::Machine machine = os::this_machine();
    Calibration result{
        .kernel = machine.kernel, .processor = machine.processor, .date = today(), .version = SLUICE_VERSION};
    out << machine.processor << ", Linux " << machine.kernel << "\n\n";
    for (Course& course : all) {
      const Crossing crossing = crossing_of(course.curve);
      out << told(course.curve, crossing) << '\n';
      (course.source == BodySource::kSocket ? result.splice_min : result.sendfile_min) = crossing.least;
      result.curves.push_back(std::move(course.curve));
    }
    out << "splice_min " << config::size_text(result.splice_min) << ", sendfile_min "
        << config::size_text(result.sendfile_min) << '\n';
    if (wanted.print_only) return kExitOk;
    write(file, file_text(result));
    out << "written to " << file << R"(; "thresholds": "measured" uses it)" << '\n';
    return kExitOk;
  } catch (const std::exception& e) {
    err << "sluice: calibrate: " << e.what() << '\n';
    return kExitRuntime;
  }
}

CalibrateCommand::CalibrateCommand(CLI::App& app)
    : command_(
          app.add_subcommand("calibrate", "Measure on this machine which path is the cheapest, by size")) {
  command_->add_flag("--quick", words_.quick, "Fewer rounds: some seconds, and less certain");
  auto* write =
      command_->add_option("--write", words_.file, "Where to; else where a configuration looks for it")
          ->type_name("FILE");
  command_->add_flag("--print", words_.print_only, "Print the curves only, write nothing")->excludes(write);
  command_->footer(
      "\nExample:\n  sluice calibrate\n"
      "Takes half a minute at most, on loopback alone. Run it while the machine is quiet; a configuration "
      "with\n"
      "\"thresholds\": \"measured\" then uses what it found, after a start or SIGHUP.");
}

std::function<int()> CalibrateCommand::chosen(std::ostream& out, std::ostream& err) const {
  if (!command_->parsed()) return {};
  return [words = words_, &out, &err] { return calibrate(words, out, err); };
}

}  // namespace sluice::app
