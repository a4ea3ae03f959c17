// A body is a list of pieces; each piece is bytes made here or a range of a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "relay/file.h"

namespace sluice::relay {

struct FileRange {
  std::shared_ptr<File> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // > 0
};

using Piece = std::variant<std::string, FileRange>;
using Body = std::vector<Piece>;

}  // namespace sluice::relay
