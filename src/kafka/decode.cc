#include <algorithm>
#include <type_traits>

#include "kafka/codec.h"
#include "kafka/input.h"

namespace sluice::kafka {
namespace {

template <typename Type>
concept Number = std::is_integral_v<Type> || std::is_enum_v<Type>;
template <typename Type>
concept Struct = requires {
  Type::fields();
};

constexpr std::string_view kNull = "null where there must be a value";

// Reads what belongs to one version of a message. value() says whether there is one; false: it is null.
class Decoder {
 public:
  Decoder(std::string_view bytes, int version, bool flexible) noexcept
      : in_(bytes), version_(version), flexible_(flexible) {}

  template <Struct Message>
  void message(Message& out) {
    for_each_field<Message>([&]<typename Entry>(const Entry& entry) {
      if constexpr (!Entry::kTagged)
        if (entry.in.contains(version_)) field<Entry::kForm>(out.*entry.member, entry.null);
    });
    if (flexible_)
      in_.tagged([&](std::uint32_t tag, std::string_view bytes) { tagged_field(tag, bytes, out); });
  }

  // All of it is read. False: `why` tells what is wrong.
  bool end(std::string_view behind, std::string_view& why) noexcept {
    if (!in_.rest().empty()) in_.fail(behind);
    if (!in_.ok()) why = in_.why();
    return in_.ok();
  }

 private:
  template <Form form, typename Member>
  void field(Member& out, const Versions&) {
    if (!value<form>(out)) in_.fail(kNull);
  }
  template <Form form, typename Value>
  void field(std::optional<Value>& out, const Versions& null) {
    if (value<form>(out.emplace())) return;
    out.reset();
    if (!null.contains(version_)) in_.fail(kNull);
  }
  template <Struct Message>
  void tagged_field(std::uint32_t tag, std::string_view bytes, Message& out) {
    for_each_field<Message>([&]<typename Entry>(const Entry& entry) {
      if constexpr (Entry::kTagged) {
        if (entry.number != tag || !entry.in.contains(version_)) return;
        Decoder inner(bytes, version_, flexible_);
        inner.field<Entry::kForm>(out.*entry.member, entry.null);
        std::string_view why;
        if (!inner.end("a tagged field is longer than its value", why)) in_.fail(why);
      }
    });
  }

  template <Form form>
  bool value(bool& out) noexcept {
    out = in_.number<std::uint8_t>() != 0;
    return true;
  }
  template <Form form, std::integral Integer>
  bool value(Integer& out) noexcept {
    out = in_.number<Integer>();
    return true;
  }
  template <Form form>
  bool value(ErrorCode& out) noexcept {
    out = static_cast<ErrorCode>(in_.number<std::int16_t>());
    return true;
  }
  template <Form form>
  bool value(Uuid& out) noexcept {
    const std::string_view bytes = in_.take(out.size());
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return true;
  }
  template <Form form>
  bool value(std::string& out) {
    const std::int64_t length =
        in_.length<std::conditional_t<form == Form::kBytes, std::int32_t, std::int16_t>>(flexible_);
    if (length < 0) return false;
    if (form == Form::kPlain && length > std::int64_t{kLongestString})
      in_.fail("a string is longer than 32767 bytes");
    out = in_.take(static_cast<std::size_t>(length));
    return true;
  }
  template <Form form>
  bool value(Records& out) noexcept {
    const std::int64_t length = in_.length<std::int32_t>(flexible_);
    out.bytes = in_.take(static_cast<std::size_t>(std::max(length, std::int64_t{0}))).size();
    return true;  // null is as good as none
  }
  template <Form form, typename Element>
  bool value(std::vector<Element>& out) {
    const std::int64_t count = in_.length<std::int32_t>(flexible_);
    if (count < 0) return false;
    if (static_cast<std::size_t>(count) > in_.rest().size() / smallest<Element, form>()) {
      in_.fail("a list is longer than what is left");
      return true;
    }
    out.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count && in_.ok(); ++i)
      if (!value<form>(out.emplace_back())) in_.fail(kNull);
    return true;
  }
  template <Form form, Struct Message>
  bool value(Message& out) {
    message(out);
    return true;
  }

  // How many bytes a value takes at least.
  template <typename Type, Form form>
  [[nodiscard]] constexpr std::size_t smallest() const noexcept {
    if constexpr (Number<Type> || std::is_same_v<Type, Uuid>) {
      return sizeof(Type);
    } else if constexpr (Struct<Type>) {
      std::size_t sum = flexible_ ? 1 : 0;
      for_each_field<Type>([&]<typename Entry>(const Entry& entry) {
        if (!Entry::kTagged && entry.in.contains(version_))
          sum += smallest<typename Entry::Type, Entry::kForm>();
      });
      return sum;
    } else {  // a string, a list, or either or null: its length
      return flexible_ ? 1 : kTakesShort<Type> && form == Form::kPlain ? 2 : 4;
    }
  }
  template <typename Type>
  static constexpr bool kTakesShort =
      std::is_same_v<Type, std::string> || std::is_same_v<Type, std::optional<std::string>>;

  Input in_;
  int version_;
  bool flexible_;
};

}  // namespace

template <typename Message>
bool decode(std::string_view body, int version, Message& out, std::string_view& why) {
  out = {};
  Decoder decoder(body, version, is_flexible(Message::kKey, version));
  decoder.message(out);
  return decoder.end("there are bytes behind its last field", why);
}

#define SLUICE_DECODE(Name)                                                       \
  template bool decode(std::string_view, int, Name##Request&, std::string_view&); \
  template bool decode(std::string_view, int, Name##Response&, std::string_view&);
SLUICE_KAFKA_APIS(SLUICE_DECODE)
#undef SLUICE_DECODE

}  // namespace sluice::kafka
