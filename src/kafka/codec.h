// Messages to bytes and back, by their tables alone (see kafka/field.h).
//
// Reading   every length is held against what is left before it is used, and a list is no longer than its bytes allow: a
//           message takes at most some 32 times the memory of its frame (empty strings). Fields nobody knows are stepped
//           over where the format allows them, in tagged sections; bytes behind the last field are a mistake.
// Writing   a response is a body of pieces: text, and the file ranges of its records in between. Nothing is copied but
//           the text, and nothing follows the last field.
// Errors    values; nothing throws but for want of memory.
// Thread    any.
// Source    Apache Kafka's protocol guide; KIP-482 (compact types, tagged fields).
#pragma once

#include <cstdint>
#include <string_view>

#include "kafka/messages.h"
#include "relay/body.h"

namespace sluice::kafka {

// Each of these is there for the messages in kafka/messages.h. `version` is one the API has.

// `why` is set when this is false; a text that lives for ever. Then `out` holds what was read before the mistake.
template <typename Message>
bool decode(std::string_view body, int version, Message& out, std::string_view& why);

// A whole response: size, header, fields. Empty: it would be larger than a size can say, 2 GiB.
template <typename Response>
relay::Body encode(std::int32_t correlation_id, int version, const Response& response);

// Its fields alone, also a request's.
template <typename Message>
relay::Body encode_fields(int version, const Message& message);

}  // namespace sluice::kafka
