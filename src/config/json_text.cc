#include "config/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace sluice::config {
namespace {

using nlohmann::json;

// Follows the parser through the document, so that it knows the place of each key.
class KeyWatch {
 public:
  explicit KeyWatch(Mistakes& mistakes) : mistakes_(mistakes) {}

  void on(json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        begin_value();
        levels_.emplace_back(false);
        break;
      case json::parse_event_t::array_start:
        begin_value();
        levels_.emplace_back(true);
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        levels_.pop_back();
        break;
      case json::parse_event_t::key:
        levels_.back().key = parsed.get<std::string>();
        if (!levels_.back().keys.insert(levels_.back().key).second) {
          mistakes_.add(place(), "written twice: keep one of them");
        }
        break;
      case json::parse_event_t::value:
        begin_value();
        break;
    }
  }

  // Of a value that the parser could not even begin.
  std::string place_of_next_value() {
    begin_value();
    return place();
  }

 private:
  struct Level {
    explicit Level(bool array) : is_array(array) {}
    bool is_array;
    std::size_t values = 0;  // of an array, begun so far
    std::string key;         // of an object, the latest
    std::set<std::string> keys;
  };

  void begin_value() {
    if (!levels_.empty()) ++levels_.back().values;
  }
  [[nodiscard]] std::string place() const {
    std::string out;
    for (const Level& level : levels_) {
      if (level.is_array) {
        out += "[" + std::to_string(level.values - 1) + "]";
      } else {
        out += (out.empty() ? "" : ".") + level.key;
      }
    }
    return out;
  }

  Mistakes& mistakes_;
  std::vector<Level> levels_;
};

std::string line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The library says what its grammar expected. People want to know what they did; these are the usual slips.
std::string syntax_remedy(std::string_view text, std::size_t offset, std::string_view message) {
  const std::size_t dash = message.find(" - ");
  const std::string_view detail = dash == std::string_view::npos ? message : message.substr(dash + 3);
  const std::string found(detail.substr(0, detail.find(';')));
  const char here = offset < text.size() ? text[offset] : '\0';
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t last = before.find_last_not_of(" \t\r\n");

  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return R"(the file is empty: write at least {"listeners": [...], "routes": [...]})";
  }
  if (contains(detail, "unexpected end of input")) {
    return "the file ends too early: a closing \"}\" or \"]\" is missing";
  }
  if ((here == '}' || here == ']') && last != std::string_view::npos && before[last] == ',') {
    return "nothing follows the comma before this bracket: remove the comma";
  }
  if (here == '\'') return "text stands in double quotes, not in single ones";
  if (contains(message, "parsing object key")) return found + ": a key in double quotes is expected here";
  if (contains(message, "parsing object separator")) return found + ": a \":\" is missing after the key";
  if (contains(detail, "expected '}'") || contains(detail, "expected ']'")) {
    return found + ": a comma is missing before it, or a closing bracket";
  }
  if (contains(detail, "expected end of input")) return found + ": nothing may follow the last \"}\"";
  return std::string(detail);
}

}  // namespace

json read_json(std::string_view text, Mistakes& mistakes) {
  KeyWatch watch(mistakes);
  const auto on_event = [&](int, json::parse_event_t event, json& parsed) {
    watch.on(event, parsed);
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), on_event, true, /*ignore_comments=*/true);
  } catch (const json::parse_error& error) {
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;  // `byte` counts what was read
    mistakes.add(line_and_column(text, offset), syntax_remedy(text, offset, error.what()));
  } catch (const json::exception&) {
    mistakes.add(watch.place_of_next_value(), "the number is too large to be read");  // beyond a double
  }
  return nullptr;
}

}  // namespace sluice::config
