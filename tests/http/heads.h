// Heads for tests: parsed from literals, with the buffer they borrow; and what came of parsing, as text.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/parser.h"

namespace sluice::http {

// Keeps the bytes on the heap, at their exact size: a sanitizer sees a read past the end.
template <typename Parser>
class Parsed {
 public:
  explicit Parsed(std::string_view text, const HeadLimits& limits = {})
      : size_(text.size()), bytes_(new char[text.size()]), parser_(std::make_unique<Parser>(limits)) {
    text.copy(bytes_.get(), text.size());
    if (parser_->parse({bytes_.get(), size_}) != Parse::kDone)
      throw std::runtime_error(std::string("test head refused: ") + name_of(parser_->verdict()));
  }
  [[nodiscard]] const auto& head() const noexcept { return parser_->head(); }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
  std::unique_ptr<Parser> parser_;
};

// What a parser made of some bytes, as text that tests can compare and print.
inline std::string fields_of(const Head& head) {
  std::string out;
  for (const Field& field : head.fields())
    out.append("[").append(head.name(field)).append("=").append(head.value(field)).append("]");
  return out + " size " + std::to_string(head.size());
}
inline std::string describe(const RequestHead& head) {
  return std::string(head.view(head.method_text)) + " " + std::string(head.view(head.target)) + " 1." +
         std::to_string(head.minor) + " " + fields_of(head);
}
inline std::string describe(const ResponseHead& head) {
  return std::to_string(head.status) + " '" + std::string(head.view(head.reason)) + "' 1." +
         std::to_string(head.minor) + " " + fields_of(head);
}

template <typename Parser>
std::string outcome(const Parser& parser, Parse answer) {
  switch (answer) {
    case Parse::kIncomplete:
      return "incomplete";
    case Parse::kDone:
      return "done " + describe(parser.head());
    case Parse::kRefused:
      return std::string("refused ") + name_of(parser.verdict());
  }
  return "?";
}

// Gives `parser` a copy that is exactly as long as what has arrived, and moves at each call.
template <typename Parser>
std::string feed(Parser& parser, std::string_view text, const std::vector<std::size_t>& cuts) {
  std::string last;
  for (const std::size_t cut : cuts) {
    const auto copy = std::make_unique<char[]>(cut);
    text.copy(copy.get(), cut);
    const Parse answer = parser.parse({copy.get(), cut});
    last = outcome(parser, answer);
    if (answer != Parse::kIncomplete) break;
  }
  return last;
}

using ParsedRequest = Parsed<RequestParser>;
using ParsedResponse = Parsed<ResponseParser>;

}  // namespace sluice::http
