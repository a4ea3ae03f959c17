// JSON with comments -> Config, or messages that say where the mistake is and what to write instead.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/mistakes.h"

namespace sluice::config {

// what() is for people: one line per mistake, each with its place ("routes[1].proxy: ...") and the remedy.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What else a configuration has to keep to, such as that its certificates can be read. Called also for one that has
// mistakes already; what it finds where there is one is left out.
using MoreRules = std::function<void(const Config&, Mistakes&)>;

// Throws ConfigError. Relative file names are relative to `base_directory` ("" = the working directory).
// Checks everything that can be known without binding or connecting: names resolve to upstreams, ranges of
// numbers, unknown keys (with the nearest known key), file roots that exist.
Config parse(std::string_view text, const std::string& base_directory, const MoreRules& more = {});

// Reads and parses a file; throws ConfigError, also when it can't be read.
Config load(const std::string& file, const MoreRules& more = {});

// The rules that hold however a Config was made. Throws ConfigError.
void validate(const Config& config);

}  // namespace sluice::config
