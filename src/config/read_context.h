// What every reader of a section needs: where file names begin, and where mistakes go.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "config/json_reader.h"
#include "config/mistakes.h"
#include "config/rules.h"

namespace sluice::config {

struct ReadContext {
  std::string base_directory;
  Mistakes& mistakes;

  // Relative to the directory of the configuration; "" stays "".
  [[nodiscard]] std::string file_name(const std::string& name) const {
    const std::filesystem::path path(name);
    if (name.empty() || path.is_absolute() || base_directory.empty()) return name;
    return (std::filesystem::path(base_directory) / path).lexically_normal().string();
  }

  void file(ObjectReader& reader, std::string_view key, std::string& out) const {
    reader.text(key, out);
    out = file_name(out);
  }

  // Calls `each(element, place)`; a value that is no list is a mistake.
  template <typename Each>
  void for_each(const nlohmann::json* list, const std::string& place, Each each) const {
    if (list == nullptr) return;
    if (!list->is_array()) {
      mistakes.add(place, "expected a list [...], not " + std::string(kind_of(*list)));
      return;
    }
    for (std::size_t i = 0; i < list->size(); ++i) each((*list)[i], place_at(place, i));
  }
};

}  // namespace sluice::config
