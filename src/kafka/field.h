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
  [[nodiscard]] constexpr bool contain(int version) const noexcept {
    return first <= version && version <= last;
  }
};

enum class Form : std::uint8_t { kPlain, kBytes };

template <typename Message, typename Member, Form form = Form::kPlain>
struct Field {
  using Type = Member;
  static constexpr Form kForm = form;

  Member Message::*member;
  Versions in{};        // the versions that have it
  Versions null{};      // those in which an optional one may be null
  int tag_number = -1;  // its place in the tagged section, where a default is left out; -1: not there

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
  [[nodiscard]] constexpr Field tag(int number) const noexcept {
    Field copy = *this;
    copy.tag_number = number;
    return copy;
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

}  // namespace sluice::kafka
