// Fetch: the front of it. What is sent and when is decided in fetch_call.h.
#include "broker/fetch_call.h"

namespace sluice::broker {

Taken fetch(Asking& asking, kafka::FetchRequest request) {
  if (const std::string why = too_many(asking, request.topics); !why.empty()) return {.why = why};
  if (request.session_epoch > 0) {
    // Sessions are never given out (session_id 0), so this one is of another broker. The client asks anew. KIP-227.
    return at_once(asking, kafka::FetchResponse{.error_code = kafka::ErrorCode::kFetchSessionIdNotFound});
  }
  auto call = std::make_unique<FetchCall>(asking, std::move(request));
  if (call->begin()) return {.answer = call->response()};
  return {.call = std::move(call)};
}

}  // namespace sluice::broker
