// A directory of files that lives as long as the test, and a worker's cache above it.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "catch.h"
#include "content/open_files.h"
#include "os/file.h"

namespace sluice::content {

struct Site {
  Site() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-site-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
  }
  ~Site() { std::filesystem::remove_all(root); }

  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << text;
  }
  // As careful people replace a file: the old one stays whole for those who have it open.
  void replace(const std::string& name, std::string_view text) const {
    write(name + ".new", text);
    std::filesystem::rename(root / (name + ".new"), root / name);
  }

  std::filesystem::path root;
};

struct Worker {
  loop::EventLoop loop;
  loop::Offload offload{1, 8};
  OpenFiles files{loop, offload, 3};
  OpenFiles cold{loop, offload, 3, false};  // as if nothing were in the kernel's name cache
};

inline std::string text_of(const relay::File& file, std::uint64_t offset, std::uint64_t length) {
  std::string out(length, '\0');
  const auto result = os::read_at(file.fd(), out, offset);
  out.resize(result.bytes);
  return out;
}

}  // namespace sluice::content
