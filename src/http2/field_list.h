// The text of an HTTP/1 head as fields for HPACK: the way back of head_text.h. The text is our own (http::HeadWriter),
// so it is taken apart, not judged.
//
// Lifetime  names and values borrow the text, or this object; valid until either changes.
// Source    RFC 9113 section 8.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http2 {

struct FieldPair {
  std::string_view name, value;
};

class FieldList {
 public:
  // Each fills the list anew. false: the text is no such head.
  // `tunnel`: it answers an extended CONNECT. There 101 is 200, and any other 2xx (the server did not switch) is 502:
  // to this client it would mean that the tunnel stands. RFC 8441 section 5.
  bool response(std::string_view text, bool tunnel);
  // `tunnel`: an HTTP/1 handshake of WebSocket's goes out as an extended CONNECT. RFC 8441 section 4.
  bool request(std::string_view text, std::string_view scheme, bool tunnel = false);
  bool trailers(std::string_view lines);

  [[nodiscard]] std::span<const FieldPair> fields() const noexcept { return fields_; }
  // What content-length says.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }

 private:
  void clear(std::size_t size);
  bool take_lines(std::string_view lines);
  std::string_view lower(std::string_view name);

  std::vector<FieldPair> fields_;
  std::string names_;  // those that had to be made lower case; never grows beyond what was reserved
  std::optional<std::uint64_t> length_;
  std::string_view authority_;
};

}  // namespace sluice::http2
