#include "config/thresholds.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "config/json_text.h"
#include "config/rules.h"
#include "os/file.h"
#include "os/machine.h"
#include "os/state.h"

namespace sluice::config {
namespace {

using nlohmann::json;

constexpr std::size_t kMostText = 1_MiB;  // of the file

Least least(const std::optional<std::uint64_t>& given, const Relay& relay, const Config& config,
            std::uint64_t measured) noexcept {
  if (given) return {.size = *given, .learnt = false};
  switch (relay.thresholds.value_or(config.thresholds)) {
    case Thresholds::kBuiltIn:
      break;
    case Thresholds::kMeasured:
      return {.size = measured, .learnt = false};
    case Thresholds::kAuto:
      return {.size = kBuiltInMin, .learnt = true};
  }
  return {};
}

bool uses_measured(const Relay& relay, const Config& config) noexcept {
  return relay.thresholds.value_or(config.thresholds) == Thresholds::kMeasured &&
         !(relay.splice_min && relay.sendfile_min);
}

// Where the configuration asks for the file.
std::string place_of_measured(const Config& config) {
  if (config.thresholds == Thresholds::kMeasured) return "thresholds";
  for (std::size_t i = 0; i < config.routes.size(); ++i)
    if (uses_measured(config.routes[i].relay, config)) return place_at("routes", i) + ".relay.thresholds";
  for (std::size_t i = 0; i < config.listeners.size(); ++i)
    if (uses_measured(config.listeners[i].relay, config))
      return place_at("listeners", i) + ".relay.thresholds";
  return "thresholds_file";
}

// The whole file; errno when it can't be read.
int contents_of(const std::string& file, std::string& out) {
  const os::FileOr opened = os::open_file(file);
  if (!opened.fd.valid()) return opened.error;
  std::array<char, 16384> block;
  while (out.size() <= kMostText) {
    const os::IoResult got = os::read_at(opened.fd.get(), block, out.size());
    if (!got.ok()) return got.error;
    if (got.bytes == 0) return 0;
    out.append(block.data(), got.bytes);
  }
  return EFBIG;
}

std::string text_of(const json& file, const char* key) {
  const auto found = file.find(key);
  return found != file.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Least splice_least(const Relay& relay, const Config& config) noexcept {
  return least(relay.splice_min, relay, config, config.measured.splice_min);
}

Least sendfile_least(const Relay& relay, const Config& config) noexcept {
  return least(relay.sendfile_min, relay, config, config.measured.sendfile_min);
}

bool uses_measured(const Config& config) noexcept {
  const auto uses = [&](const auto& each) { return uses_measured(each.relay, config); };
  return config.thresholds == Thresholds::kMeasured ||
         std::any_of(config.routes.begin(), config.routes.end(), uses) ||
         std::any_of(config.listeners.begin(), config.listeners.end(), uses);
}

std::string thresholds_file(const Config& config) {
  if (!config.thresholds_file.empty()) return config.thresholds_file;
  const std::string directory = os::state_directory(os::StateHints::of_this_process());
  return directory.empty() ? "" : directory + "/thresholds.json";
}

Measured read_measured(const Config& config, Mistakes& mistakes) {
  const std::string place = place_of_measured(config);
  const std::string file = thresholds_file(config);
  if (file.empty()) {
    mistakes.add(place,
                 R"(nothing says where measured thresholds are kept: write "thresholds_file": "FILE")");
    return {};
  }
  std::string text;
  if (const int error = contents_of(file, text); error == ENOENT || error == ENOTDIR) {
    const std::string command =
        config.thresholds_file.empty() ? "sluice calibrate" : "sluice calibrate --write " + file;
    mistakes.add(place,
                 "there is no " + in_quotes(file) + " yet: run \"" + command + R"(", or write "built-in")");
    return {};
  } else if (error != 0) {
    mistakes.add(place, "can't read " + in_quotes(file) + ": " + std::generic_category().message(error));
    return {};
  }
  return parse_measured(text, place + ": " + file, mistakes);
}

Measured parse_measured(std::string_view text, const std::string& place, Mistakes& mistakes) {
  Mistakes inside;
  const json file = read_json(text, inside);
  for (const Mistake& mistake : inside.list())
    mistakes.add(place + (mistake.place.empty() ? "" : ", " + mistake.place), mistake.remedy);
  if (!inside.empty()) return {};
  const auto wrong = [&](const std::string& key, const std::string& what) {
    mistakes.add(place + ", " + key, what + R"(: run "sluice calibrate" again)");
  };
  if (!file.is_object() || file.value("format", json()) != json(1)) {
    wrong("format", "is not what this version of Sluice writes");
    return {};
  }
  const auto size = [&](const char* key) -> std::uint64_t {
    const auto found = file.find(key);
    const bool right =
        found != file.end() && found->is_number_unsigned() && found->get<std::uint64_t>() <= 1_GiB;
    if (right) return found->get<std::uint64_t>();
    wrong(key, "is no number of bytes from 0 to 1GiB");
    return kBuiltInMin;
  };
  return {.splice_min = size("splice_min"),
          .sendfile_min = size("sendfile_min"),
          .kernel = text_of(file, "kernel"),
          .processor = text_of(file, "processor")};
}

std::string measured_elsewhere(const Config& config) {
  if (!uses_measured(config)) return "";
  const os::Machine here = os::this_machine();
  const auto differs = [](const char* what, const std::string& then, const std::string& now) {
    return then == now ? std::string()
                       : std::string(what) + " " + in_quotes(then) + ", not " + in_quotes(now);
  };
  std::string told = differs("kernel", config.measured.kernel, here.kernel);
  const std::string processor = differs("processor", config.measured.processor, here.processor);
  if (!processor.empty()) told += (told.empty() ? "" : "; ") + processor;
  if (told.empty()) return "";
  return "the thresholds in " + thresholds_file(config) + " were measured with " + told +
         R"(: run "sluice calibrate" again)";
}

}  // namespace sluice::config
