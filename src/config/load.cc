#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "config/parse.h"

namespace sluice::config {

Config load(const std::string& file, const MoreRules& more) {
  // A directory opens like a file and then reads as an empty one.
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    throw ConfigError("is a directory: write the name of a file");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf() || in.peek() == std::ifstream::traits_type::eof())) {
    throw ConfigError(std::string("can't be read: ") +
                      (errno != 0 ? std::generic_category().message(errno) : "input error"));
  }
  return parse(text.str(), std::filesystem::path(file).parent_path().string(), more);
}

}  // namespace sluice::config
