#include "config/mistakes.h"

#include <algorithm>
#include <string_view>

#include "config/parse.h"

namespace sluice::config {
namespace {

// Keys and values are quoted from the file: a control character in one would break the rule of one line per
// mistake, or drive the reader's terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

bool is_at_or_below(std::string_view place, std::string_view above) {
  if (!place.starts_with(above)) return false;
  return place.size() == above.size() || place[above.size()] == '.' || place[above.size()] == '[';
}

}  // namespace

void Mistakes::add(std::string place, std::string remedy) {
  list_.push_back({printable(std::move(place)), printable(std::move(remedy))});
}

void Mistakes::add_unless_known(const Mistakes& consequences) {
  const std::size_t known = list_.size();
  for (const Mistake& found : consequences.list_) {
    const auto end = list_.begin() + static_cast<std::ptrdiff_t>(known);
    const bool related = std::any_of(list_.begin(), end, [&](const Mistake& m) {
      return is_at_or_below(m.place, found.place) || is_at_or_below(found.place, m.place);
    });
    if (!related) list_.push_back(found);
  }
}

void Mistakes::throw_if_any() const {
  if (list_.empty()) return;
  std::string lines;
  for (const Mistake& m : list_) {
    if (!lines.empty()) lines += '\n';
    if (!m.place.empty()) lines += m.place + ": ";
    lines += m.remedy;
  }
  throw ConfigError(lines);
}

}  // namespace sluice::config
