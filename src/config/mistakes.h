// The mistakes of one configuration, collected so that a person can mend them all in one go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct Mistake {
  std::string place;   // "routes[1].proxy", "line 3, column 7"; "" for the file as a whole
  std::string remedy;  // what is wrong and what to write instead
};

class Mistakes {
 public:
  void add(std::string place, std::string remedy);

  // Adds what the rules found, except where `this` already has a mistake at, below or above the place: a
  // value that could not be read has no second fault, only consequences.
  void add_unless_known(const Mistakes& consequences);

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] std::vector<Mistake>& list() noexcept { return list_; }

  // Throws ConfigError with one line per mistake; does nothing when there is none.
  void throw_if_any() const;

 private:
  std::vector<Mistake> list_;
};

// For words taken from the user.
inline std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace sluice::config
