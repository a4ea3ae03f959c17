#include "app/groups_file.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <system_error>

#include "config/rules.h"

namespace sluice::app {
namespace {

// FNV-1a with 64 bits: the same in every build, which std::hash need not be.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

std::string groups_file(const std::string& log, const std::string& user, const os::StateHints& hints) {
  const auto none = [&](const std::string& why) {
    spdlog::warn("kafka: consumer groups of {} are kept in memory and end with this process: {}", log, why);
    return std::string();
  };
  const std::string directory = os::state_directory(hints);
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
