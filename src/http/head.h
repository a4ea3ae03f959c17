// A parsed request or response head: offsets into the bytes it was read from, no copies.
//
// Lifetime   every view borrows the buffer that was parsed; it is valid while that buffer stands still.
// Units      bytes. Offsets are 16 bit: a head is at most 64 KiB - 1 (config limits.head).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/fields.h"

namespace sluice::http {

inline constexpr std::size_t kMaxFields = 128;

struct Slice {
  std::uint16_t at = 0;
  std::uint16_t size = 0;
};

struct Field {
  Slice name;
  Slice value;  // without surrounding white space
  FieldId id = FieldId::kOther;
};

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther
};

// Safe to send again when it is not known whether the server acted on it. RFC 9110 section 9.2.2.
constexpr bool is_idempotent(Method m) noexcept {
  return m == Method::kGet || m == Method::kHead || m == Method::kPut || m == Method::kDelete ||
         m == Method::kOptions || m == Method::kTrace;
}

class Head {
 public:
  [[nodiscard]] std::string_view view(Slice s) const noexcept { return {base_ + s.at, s.size}; }
  [[nodiscard]] std::string_view name(const Field& f) const noexcept { return view(f.name); }
  [[nodiscard]] std::string_view value(const Field& f) const noexcept { return view(f.value); }
  [[nodiscard]] std::span<const Field> fields() const noexcept { return {fields_.data(), count_}; }
  // The first field of that name; nullptr when there is none.
  [[nodiscard]] const Field* find(FieldId id) const noexcept;
  [[nodiscard]] std::string_view find_value(FieldId id) const noexcept;  // empty when there is none
  // Bytes, with the empty line that ends it.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // A Connection field has options beyond the usual ones (close, keep-alive, upgrade...): other fields may be
  // hop-by-hop. Known since parsing, so that forwarding asks once a head, not once a field.
  [[nodiscard]] bool connection_names_fields() const noexcept { return connection_names_fields_; }

 protected:
  friend class HeadParser;
  const char* base_ = nullptr;
  std::uint16_t count_ = 0;
  bool connection_names_fields_ = false;
  std::size_t size_ = 0;
  std::array<Field, kMaxFields> fields_;  // only the first count_ are set
};

struct RequestHead : Head {
  Method method = Method::kOther;
  Slice method_text;
  Slice target;
  int minor = 1;  // HTTP/1.minor
};

struct ResponseHead : Head {
  int status = 0;
  int minor = 1;
  Slice reason;
};

}  // namespace sluice::http
