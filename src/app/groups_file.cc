#include "app/groups_file.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <system_error>

#include "config/rules.h"
#include "os/state.h"

namespace sluice::app {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_absolute(const std::string& path) { return path.starts_with('/'); }

// FNV-1a with 64 bits: the same in every build, which std::hash need not be.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

StateHints StateHints::of_this_process() {
  return {.state_directory = environment("STATE_DIRECTORY"),
          .xdg_state_home = environment("XDG_STATE_HOME"),
          .home = environment("HOME"),
          .root = os::is_root()};
}

std::string state_directory(const StateHints& hints) {
  const std::string given = hints.state_directory.substr(0, hints.state_directory.find(':'));
  if (is_absolute(given)) return given;
  if (hints.root) return "/var/lib/sluice";
  if (is_absolute(hints.xdg_state_home)) return hints.xdg_state_home + "/sluice";
  if (is_absolute(hints.home)) return hints.home + "/.local/state/sluice";
  return "";
}

std::string groups_file(const std::string& log, const std::string& user, const StateHints& hints) {
  const auto none = [&](const std::string& why) {
    spdlog::warn("kafka: consumer groups of {} are kept in memory and end with this process: {}", log, why);
    return std::string();
  };
  const std::string directory = state_directory(hints);
  if (directory.empty())
    return none("neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME says where state goes");
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(log, error);
  if (error) return none(error.message());
  if (config::stands_in(directory, real.string()))
    return none(directory + " stands in it, and it is only read");
  if (const int failed = os::own_directory(directory, user); failed != 0)
    return none(directory + ": " + std::generic_category().message(failed));
  std::ostringstream name;
  name << directory << "/groups-" << std::hex << std::setw(16) << std::setfill('0') << hash_of(real.string())
       << ".sqlite";
  return name.str();
}

}  // namespace sluice::app
