// What went wrong with a file, for people: its name and errno's text.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace sluice::log {

[[noreturn]] inline void fail(const std::string& path, int error) {
  throw std::runtime_error(path + ": " + std::generic_category().message(error));
}

inline void fail_unless_done(const std::string& path, int error) {
  if (error != 0) fail(path, error);
}

}  // namespace sluice::log
