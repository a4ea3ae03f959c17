#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "observe/access_log.h"
#include "os/append_file.h"

namespace sluice::observe {

namespace {

os::FileOr open(const std::string& file) noexcept {
  return file == "-" ? os::duplicate_stdout() : os::open_append(file);
}

std::string text_of(int error) { return std::generic_category().message(error); }

class LineFile final : public LineStore {
 public:
  explicit LineFile(const std::string& file) : file_(file) {
    os::FileOr opened = open(file);
    if (opened.error != 0) throw std::runtime_error("access log " + file + ": " + text_of(opened.error));
    fd_ = std::move(opened.fd);
  }

  Outcome write(std::string_view text, std::size_t lines) override {
    // A full disk may have cut a line in two: its second half is lost, the next line must not be.
    os::IoResult result;
    if (torn_) result = os::write_all(fd_.get(), "\n");
    if (!result.ok()) return {.lost = lines, .error = text_of(result.error)};
    torn_ = false;
    result = os::write_all(fd_.get(), text);
    if (result.ok()) return {};
    const auto written = text.substr(0, result.bytes);
    torn_ = !written.empty() && written.back() != '\n';
    const auto whole = static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n'));
    return {.lost = lines - whole, .error = text_of(result.error)};
  }

  std::string reopen() override {
    os::FileOr opened = open(file_);
    if (opened.error != 0) return text_of(opened.error);
    fd_ = std::move(opened.fd);
    torn_ = false;
    return {};
  }

 private:
  const std::string file_;
  os::UniqueFd fd_;
  bool torn_ = false;
};

}  // namespace

std::unique_ptr<LineStore> lines_in_file(const std::string& file) { return std::make_unique<LineFile>(file); }

}  // namespace sluice::observe
