#include "kafka/header.h"

#include "kafka/input.h"

namespace sluice::kafka {

HeaderVerdict decode_header(std::string_view frame, RequestHeader& out, std::string_view& why) {
  Input in(frame);
  out = {};
  out.key = in.number<std::int16_t>();
  out.version = in.number<std::int16_t>();
  out.correlation_id = in.number<std::int32_t>();
  if (!in.ok()) return why = "it is shorter than a request's header", HeaderVerdict::kMalformed;
  out.api = find_api(out.key);
  if (out.api == nullptr) return why = "this API is not served", HeaderVerdict::kUnknownApi;
  if (out.version < out.api->min || out.version > out.api->max)
    return why = "this version of the API is not served", HeaderVerdict::kUnknownVersion;

  const std::int64_t length = in.length<std::int16_t>(false);
  if (length >= 0) out.client_id = in.take(static_cast<std::size_t>(length));
  if (out.version >= out.api->flexible) in.tagged([](std::uint32_t, std::string_view) {});
  out.body = in.rest();
  if (!in.ok()) return why = in.why(), HeaderVerdict::kMalformed;
  return HeaderVerdict::kOk;
}

}  // namespace sluice::kafka
