// What stands before a request: which API in which version, and the number its answer must bear.
//
//   api_key i16, api_version i16, correlation_id i32, client_id (i16 length, -1 none), in flexible versions tagged fields
//
// Source    Apache Kafka's protocol guide; KIP-482, which left the length of client_id as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/api_key.h"

namespace sluice::kafka {

struct RequestHeader {
  std::int16_t key = -1, version = -1;  // as the client says
  std::int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;  // borrows the frame
  const Api* api = nullptr;                   // null: not served
  std::string_view body;                      // what follows; borrows the frame
};

enum class HeaderVerdict : std::uint8_t {
  kOk,
  kMalformed,
  // Neither of these can be read further than the correlation id. A broker closes the connection; only for ApiVersions it
  // answers an unknown version, in version 0, so that a newer client can learn what there is.
  kUnknownApi,
  kUnknownVersion,
};

// `frame`: without its size. `why` is set when this is not kOk; a text that lives for ever.
HeaderVerdict decode_header(std::string_view frame, RequestHeader& out, std::string_view& why);

}  // namespace sluice::kafka
