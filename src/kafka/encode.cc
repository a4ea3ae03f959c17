#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/big_endian.h"
#include "kafka/codec.h"

namespace sluice::kafka {
namespace {

template <typename Type>
concept Struct = requires {
  Type::fields();
};

// Writes what belongs to one version of a message: text, and file ranges in between.
class Encoder {
 public:
  Encoder(int version, bool flexible) noexcept : version_(version), flexible_(flexible) {}

  template <Struct Message>
  void message(const Message& from) {
    for_each_field<Message>([&]<typename Entry>(const Entry& entry) {
      if constexpr (!Entry::kTagged)
        if (entry.in.contains(version_)) field<Entry::kForm>(from.*entry.member, entry.null);
    });
    if (flexible_) tagged_fields(from);
  }

  template <std::integral Number>
  void number(Number value) {
    char bytes[sizeof(Number)];
    store_big_endian(bytes, value);
    text_.append(bytes, sizeof bytes);
  }
  void uvarint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) text_ += static_cast<char>((value & 0x7fU) | 0x80U);
    text_ += static_cast<char>(value);
  }

  relay::Body take_body() {
    if (!text_.empty()) body_.emplace_back(std::move(text_));
    return std::move(body_);
  }

 private:
  template <Form form, typename Member>
  void field(const Member& member, const Versions&) {
    value<form>(member);
  }
  template <Form form, typename Value>
  void field(const std::optional<Value>& member, const Versions& null) {
    if (member) return value<form>(*member);
    if (!null.contains(version_)) return value<form>(Value{});
    length<form, Value>(-1);
  }

  template <Struct Message>
  void tagged_fields(const Message& from) {
    std::uint64_t count = 0;
    std::string section;
    for_each_field<Message>([&]<typename Entry>(const Entry& entry) {
      if constexpr (Entry::kTagged) {
        if (!entry.in.contains(version_)) return;
        Encoder inner(version_, flexible_), nothing(version_, flexible_), head(version_, flexible_);
        inner.field<Entry::kForm>(from.*entry.member, entry.null);
        nothing.field<Entry::kForm>(typename Entry::Type{}, entry.null);
        if (inner.text_ == nothing.text_) return;
        head.uvarint(entry.number);
        head.uvarint(inner.text_.size());
        section += head.text_ + inner.text_;
        ++count;
      }
    });
    uvarint(count);
    text_ += section;
  }

  // In front of a string, bytes, records or a list; -1: null.
  template <Form form, typename Value>
  void length(std::int64_t length) {
    if (flexible_) return uvarint(static_cast<std::uint64_t>(length + 1));
    if constexpr (std::is_same_v<Value, std::string> && form == Form::kPlain) {
      number(static_cast<std::int16_t>(length));
    } else {
      number(static_cast<std::int32_t>(length));
    }
  }

  template <Form form, std::integral Integer>
  void value(Integer value) {
    number(value);
  }
  template <Form form>
  void value(bool value) {
    number(static_cast<std::uint8_t>(value ? 1 : 0));
  }
  template <Form form>
  void value(ErrorCode error) {
    number(static_cast<std::int16_t>(error));
  }
  template <Form form>
  void value(const Uuid& id) {
    text_.append(id.begin(), id.end());
  }
  template <Form form>
  void value(const std::string& value) {
    const std::size_t size = form == Form::kPlain ? std::min(value.size(), kLongestString) : value.size();
    length<form, std::string>(static_cast<std::int64_t>(size));
    text_.append(value, 0, size);
  }
  template <Form form>
  void value(const Records& records) {
    std::uint64_t bytes = 0;
    for (const relay::FileRange& range : records.ranges) bytes += range.length;
    length<form, Records>(static_cast<std::int64_t>(bytes));
    for (const relay::FileRange& range : records.ranges) {
      if (!text_.empty()) body_.emplace_back(std::exchange(text_, {}));
      body_.emplace_back(range);
    }
  }
  template <Form form, typename Element>
  void value(const std::vector<Element>& list) {
    length<form, std::vector<Element>>(static_cast<std::int64_t>(list.size()));
    for (const Element& element : list) value<form>(element);
  }
  template <Form form, Struct Message>
  void value(const Message& from) {
    message(from);
  }

  int version_;
  bool flexible_;
  relay::Body body_;
  std::string text_;  // behind the last piece
};

std::uint64_t size_of(const relay::Body& body) {
  std::uint64_t size = 0;
  for (const relay::Piece& piece : body) {
    const auto* text = std::get_if<std::string>(&piece);
    size += text != nullptr ? text->size() : std::get<relay::FileRange>(piece).length;
  }
  return size;
}

}  // namespace

template <typename Response>
relay::Body encode(std::int32_t correlation_id, int version, const Response& response) {
  const bool flexible = is_flexible(Response::kKey, version);
  Encoder encoder(version, flexible);
  encoder.number(std::int32_t{0});  // the size, when it is known
  encoder.number(correlation_id);
  // Who asks for versions may not know of tagged fields yet.
  if (flexible && Response::kKey != ApiKey::kApiVersions) encoder.uvarint(0);
  encoder.message(response);

  relay::Body body = encoder.take_body();
  const std::uint64_t size = size_of(body) - sizeof(std::int32_t);  // which does not count itself
  if (size > 0x7fffffff) return {};
  store_big_endian(std::get<std::string>(body.front()).data(), static_cast<std::int32_t>(size));
  return body;
}

template <typename Message>
relay::Body encode_fields(int version, const Message& message) {
  Encoder encoder(version, is_flexible(Message::kKey, version));
  encoder.message(message);
  return encoder.take_body();
}

#define SLUICE_ENCODE(Name)                                              \
  template relay::Body encode(std::int32_t, int, const Name##Response&); \
  template relay::Body encode_fields(int, const Name##Request&);         \
  template relay::Body encode_fields(int, const Name##Response&);
SLUICE_KAFKA_APIS(SLUICE_ENCODE)
#undef SLUICE_ENCODE

}  // namespace sluice::kafka
