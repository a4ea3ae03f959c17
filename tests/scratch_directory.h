// A directory that lives as long as one test. Its name is random: two builds may run their tests at the same
// time.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace sluice::testing {

class ScratchDirectory {
 public:
  ScratchDirectory() { std::filesystem::create_directories(path_); }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return *this / name;
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return *this / name;
  }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("sluice-test-" + std::to_string(std::random_device{}()));
};

}  // namespace sluice::testing
