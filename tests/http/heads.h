// Heads for tests: parsed from literals, with the buffer they borrow.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/parser.h"

namespace sluice::http {

// Keeps the bytes on the heap, at their exact size: a sanitizer sees a read past the end.
template <typename Parser>
class Parsed {
 public:
  explicit Parsed(std::string_view text)
      : size_(text.size()), bytes_(new char[text.size()]), parser_(std::make_unique<Parser>(HeadLimits{})) {
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

using ParsedRequest = Parsed<RequestParser>;
using ParsedResponse = Parsed<ResponseParser>;

}  // namespace sluice::http
