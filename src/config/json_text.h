// Text -> JSON tree, with what the JSON library leaves out: where a syntax error is in a person's terms, and
// keys that are written twice.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "config/mistakes.h"

namespace sluice::config {

// Comments (// and /* */) are allowed. A syntax error is one mistake at "line 3, column 7" and gives null; a
// key written twice is a mistake at its place (the library would silently take the last).
nlohmann::json read_json(std::string_view text, Mistakes& mistakes);

}  // namespace sluice::config
