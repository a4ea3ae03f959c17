// Fills and compares messages by their tables, so that no field of any version is forgotten.
//
// The values follow one rule, which GoldenFrames.java knows as well: a counter goes up with each value in the order of
// the wire, and the value shows it in all its bytes. Lists have two elements.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kafka/codec.h"

namespace sluice::kafka::testing {

template <typename Type>
concept Struct = requires {
  Type::fields();
};

// What the file has that all ranges of a Filler are of: "r0r1r2...". No descriptor belongs to it.
inline std::string file_text() {
  std::string text;
  for (int n = 0; n < 1000; ++n) text += "r" + std::to_string(n);
  return text;
}

// A body as it would go out, `file` standing for what its ranges are of.
inline std::string flat(const relay::Body& body, std::string_view file) {
  std::string out;
  for (const relay::Piece& piece : body) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      out += *text;
    } else {
      const auto& range = std::get<relay::FileRange>(piece);
      out += file.substr(range.offset, range.length);
    }
  }
  return out;
}

class Filler {
 public:
  // `nulls`: null wherever the version allows it.
  explicit Filler(int version, bool nulls = false) : version_(version), nulls_(nulls) {}

  template <Struct Message>
  void fill(Message& out) {
    fill_fields<false>(out);
    fill_fields<true>(out);  // tagged ones stand last
  }

 private:
  template <bool tagged, Struct Message>
  void fill_fields(Message& out) {
    for_each_field<Message>([&]<typename Entry>(const Entry& entry) {
      if constexpr (Entry::kTagged == tagged)
        if (entry.in.contains(version_)) field<Entry::kForm>(out.*entry.member, entry.null);
    });
  }
  template <Form form, typename Member>
  void field(Member& out, const Versions&) {
    value<form>(out);
  }
  template <Form form, typename Value>
  void field(std::optional<Value>& out, const Versions& null) {
    if (nulls_ && null.contains(version_)) return out.reset();
    Value made;
    value<form>(made);
    out = std::move(made);
  }

  template <Form>
  void value(bool& out) {
    out = ++next_ % 2 == 1;
  }
  template <Form>
  void value(std::int8_t& out) {
    out = static_cast<std::int8_t>(++next_ & 0x7f);
  }
  template <Form>
  void value(std::int16_t& out) {
    out = static_cast<std::int16_t>(++next_ * 0x101 & 0x7fff);
  }
  template <Form>
  void value(ErrorCode& out) {
    out = static_cast<ErrorCode>(++next_ * 0x101 & 0x7fff);
  }
  template <Form>
  void value(std::int32_t& out) {
    out = ++next_ * 0x10001;
  }
  template <Form>
  void value(std::int64_t& out) {
    out = ++next_ * std::int64_t{0x100000001};
  }
  template <Form>
  void value(Uuid& out) {
    out = {};
    out[3] = out[7] = out[15] = static_cast<unsigned char>(++next_);
  }
  template <Form form>
  void value(std::string& out) {
    out = (form == Form::kBytes ? "b" : "s") + std::to_string(++next_);
  }
  template <Form>
  void value(Records& out) {
    static const std::string text = file_text();
    static const auto file = std::make_shared<relay::File>(os::UniqueFd(), text.size());
    const std::string wanted = "r" + std::to_string(++next_);
    out.ranges = {{.file = file, .offset = text.find(wanted + "r"), .length = wanted.size()}};
    out.bytes = wanted.size();
  }
  template <Form form, typename Element>
  void value(std::vector<Element>& out) {
    out.assign(2, {});
    for (Element& element : out) value<form>(element);
  }
  template <Form, Struct Message>
  void value(Message& out) {
    fill(out);
  }

  int version_;
  bool nulls_;
  int next_ = 0;
};

// Whether two messages have the same values in a version. Of records only the size counts.
class Same {
 public:
  explicit Same(int version) : version_(version) {}

  template <typename Type>
  bool operator()(const Type& a, const Type& b) const {
    if constexpr (Struct<Type>) {
      bool same = true;
      for_each_field<Type>([&](const auto& entry) {
        if (entry.in.contains(version_)) same = same && (*this)(a.*entry.member, b.*entry.member);
      });
      return same;
    } else if constexpr (std::is_same_v<Type, Records>) {
      return a.bytes == b.bytes;
    } else {
      return a == b;
    }
  }
  template <typename Value>
  bool operator()(const std::optional<Value>& a, const std::optional<Value>& b) const {
    return a.has_value() == b.has_value() && (!a || (*this)(*a, *b));
  }
  template <typename Element>
  bool operator()(const std::vector<Element>& a, const std::vector<Element>& b) const {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!(*this)(a[i], b[i])) return false;
    return true;
  }

 private:
  int version_;
};

// Calls `visit` with an empty message of each kind: `visit(name, request, message)`.
template <typename Visit>
void for_each_message(const Visit& visit) {
#define SLUICE_VISIT(Name)             \
  visit(#Name, true, Name##Request{}); \
  visit(#Name, false, Name##Response{});
  SLUICE_KAFKA_APIS(SLUICE_VISIT)
#undef SLUICE_VISIT
}

inline std::string from_hex(std::string_view hex) {
  std::string out;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    out += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return out;
}

inline std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4U];
    out += kDigits[value & 0xfU];
  }
  return out;
}

}  // namespace sluice::kafka::testing
