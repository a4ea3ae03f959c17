// The inputs that a command line names, then changed ones:
//
//   [--runs N] [--seed N] [--dict FILE] FILE|DIRECTORY...
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutate.h"

namespace sluice::fuzz {

class Inputs {
 public:
  Inputs(int argc, char** argv) {
    std::vector<std::string> files;
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      const char* const value = i + 1 < argc ? argv[i + 1] : "";
      if (word == "--runs" || word == "--seed" || word == "--dict") ++i;
      if (word == "--runs") {
        runs_ = std::strtoul(value, nullptr, 10);
      } else if (word == "--seed") {
        seed_ = std::strtoul(value, nullptr, 10);
      } else if (word == "--dict") {
        words_ = read_dictionary(value);
      } else {
        add_files(argv[i], files);
      }
    }
    std::sort(files.begin(), files.end());  // the order of a directory is the file system's
    for (const std::string& file : files) given_.push_back(read_file(file));
    if (given_.empty()) throw std::runtime_error("no inputs are given");
  }

  [[nodiscard]] std::size_t given() const noexcept { return given_.size(); }
  [[nodiscard]] unsigned long runs() const noexcept { return runs_; }
  [[nodiscard]] unsigned long seed() const noexcept { return seed_; }

  // nullopt: that was the last.
  std::optional<std::string> next() {
    if (at_ < given_.size()) return given_[at_++];
    if (!mutator_) mutator_.emplace(seed_, given_, words_);
    if (at_++ == given_.size() + runs_) return std::nullopt;
    return mutator_->next();
  }

 private:
  static void add_files(const char* name, std::vector<std::string>& files) {
    if (!std::filesystem::is_directory(name)) return files.emplace_back(name), void();
    for (const auto& entry : std::filesystem::directory_iterator(name))
      files.push_back(entry.path().string());
  }

  std::vector<std::string> given_, words_;
  unsigned long runs_ = 0, seed_ = 1;
  std::size_t at_ = 0;
  std::optional<Mutator> mutator_;
};

}  // namespace sluice::fuzz
