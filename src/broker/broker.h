// A broker that only reads: answers Kafka clients' requests from a log directory and a coordinator of groups.
//
// No input or output happens here. take() decodes one request and answers it at once, or gives a Call that will: a fetch
// that waits for records, a look-up that waits for a disk, whatever the coordinator answers. The answer is a whole
// response frame as a body of pieces, in which records are ranges of segments.
// Thread    the worker's. A Broker belongs to one connection and outlives its Calls.
// Errors    what is no request, or one that a broker does not answer: Taken::why, and the connection is to be closed.
// Source    Apache Kafka's protocol guide.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "groups/coordinator.h"
#include "log/catalog.h"
#include "log/reader.h"
#include "loop/event_loop.h"
#include "observe/counters.h"
#include "relay/body.h"

namespace sluice::broker {

// The one node of the cluster that clients are told of.
inline constexpr std::int32_t kNode = 1;

struct Broker {
  loop::EventLoop& loop;
  observe::Counters& counters;
  log::Catalog& catalog;
  log::Reader& reader;
  std::shared_ptr<groups::Coordinator> coordinator;
  const config::Kafka& config;
  std::string cluster;  // its id
  std::string host;     // where clients are told to connect to
  std::int32_t port = 0;
  std::string client_host;  // "/127.0.0.1", as brokers write it
  std::string access_topic;  // where the access log goes, if it goes into this log
};

// What was asked, for the log.
struct Asked {
  std::string_view api;  // "Fetch"; static storage
  std::string subject;   // of a fetch "topic-0", and "..." for more; a group's name
  std::string client_id;
  bool of_access_log = false;  // a fetch of it: an entry for that would be the next record to fetch
};

// A request under way. Destroying it gives the request up: nothing is called any more.
class Call {
 public:
  virtual ~Call() = default;
  // Nobody can wait any longer: answer with what is there, where that is possible. May answer within.
  virtual void hurry() {}
};

// Gives the response to a Call that take() returned, once, not within take(). May destroy the Call.
using Answered = std::function<void(relay::Body)>;

struct Taken {
  std::optional<relay::Body> answer = {};  // at once
  std::unique_ptr<Call> call = {};         // ... or later
  std::string why = {};                    // ... or never: close, and say this
};

// `frame`: a request without its length. It is not used after the call.
Taken take(Broker& broker, std::string_view frame, Answered answered, Asked& asked);

}  // namespace sluice::broker
