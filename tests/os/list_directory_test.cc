#include "os/list_directory.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "catch.h"
#include "scratch_directory.h"

using namespace sluice;

TEST_CASE("a directory's names, without itself and its parent", "[list-directory]") {
  const testing::ScratchDirectory directory;
  const std::string path = directory.make_directory("d");
  directory.write("d/.hidden", "");
  directory.write("d/b", "");
  directory.make_directory("d/c");
  std::filesystem::create_symlink("nowhere", path + "/a");
  std::filesystem::create_symlink("d", directory / "link");
  for (const std::string& name : {path, directory / "link"}) {
    std::vector<std::string> names{"kept"};
    REQUIRE(os::list_directory(name, names) == 0);
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{".hidden", "a", "b", "c", "kept"});
  }
}

TEST_CASE("what is no directory is told by errno", "[list-directory]") {
  const testing::ScratchDirectory directory;
  std::vector<std::string> names;
  CHECK(os::list_directory(directory / "nothing", names) == ENOENT);
  CHECK(os::list_directory(directory.write("file", ""), names) == ENOTDIR);
  CHECK(names.empty());
}
