#include "os/list_directory.h"

#include <dirent.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace sluice::os {

namespace {
struct DirClose {
  void operator()(DIR* d) const noexcept { ::closedir(d); }
};
}  // namespace

int list_directory(const std::string& path, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, DirClose> directory(::opendir(path.c_str()));
  if (directory == nullptr) return errno;
  for (;;) {
    errno = 0;  // readdir's null is the end, or a failure
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

}  // namespace sluice::os
