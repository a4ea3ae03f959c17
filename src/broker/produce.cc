// Produce: refused. It is advertised all the same, because clients judge a broker by it.
#include "broker/asking.h"

namespace sluice::broker {

Taken produce(Asking& asking, kafka::ProduceRequest request) {
  // No answer is expected of acks 0: a closed connection is the only way to say no.
  if (request.acks == 0) return {.why = "writes without waiting for an answer, and this log is only read"};
  kafka::ProduceResponse response;
  for (const auto& topic : request.topic_data) {
    auto& out = response.responses.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partition_data)
      out.partition_responses.push_back({.index = partition.index,
                                         .error_code = kafka::ErrorCode::kPolicyViolation,
                                         .error_message = "this log is served for reading only"});
  }
  return at_once(asking, response);
}

}  // namespace sluice::broker
