// The words of which a message's table is made. Each message is a plain struct with a table, fields(), that says for each
// member in the order of the wire in which versions it is there. Type and encoding follow from the member's type:
//
//   bool, integers, enums           fixed width, big-endian
//   std::string                     a string; bytes(...) makes it bytes, which differ in the length's width
//   std::optional<...>              the same, or null where the table allows it; elsewhere null is written as empty
//   std::vector<...>                an array
//   Uuid, Records                   see types.h
//   a struct with fields()          its fields, and in flexible versions its own tagged ones
//
// A member that a version lacks is not written, and keeps its default when that version is read.
#pragma once

#include <cstdint>
#include <tuple>

namespace sluice::kafka {

struct Versions {
  int first = 0, last = 0x7fff;
  [[nodiscard]] constexpr bool contains(int version) const noexcept {
    return first <= version && version <= last;
  }
};

enum class Form : std::uint8_t { kPlain, kBytes };

template <typename Message, typename Member, Form form = Form::kPlain, bool tagged = false>
struct Field {
  using Type = Member;
  static constexpr Form kForm = form;
  static constexpr bool kTagged =
      tagged;  // it stands in the tagged section, where the default of its type is left out

  Member Message::*member;
  Versions in{};             // the versions that have it
  Versions null{};           // those in which an optional one may be null
  std::uint32_t number = 0;  // its tag

  [[nodiscard]] constexpr Field since(int version) const noexcept {
    Field copy = *this;
    copy.in.first = version;
    return copy;
  }
  [[nodiscard]] constexpr Field until(int version) const noexcept {
    Field copy = *this;
    copy.in.last = version;
    return copy;
  }
  [[nodiscard]] constexpr Field nullable_since(int version) const noexcept {
    Field copy = *this;
    copy.null.first = version;
    return copy;
  }
  // Tags ascend within a table.
  [[nodiscard]] constexpr auto tag(std::uint32_t tag) const noexcept {
    return Field<Message, Member, form, true>{.member = member, .in = in, .null = null, .number = tag};
  }
};

template <typename Message, typename Member>
constexpr auto field(Member Message::*member) noexcept {
  return Field<Message, Member>{.member = member};
}
template <typename Message, typename Member>
constexpr auto bytes(Member Message::*member) noexcept {
  return Field<Message, Member, Form::kBytes>{.member = member};
}

// Calls `visit` with each field of a message's table, in the order of the wire.
template <typename Message, typename Visit>
constexpr void for_each_field(const Visit& visit) {
  std::apply([&](const auto&... entry) { (visit(entry), ...); }, Message::fields());
}

}  // namespace sluice::kafka
