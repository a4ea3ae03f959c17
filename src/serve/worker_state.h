// What every connection of one worker shares: its loop, its pools, its parsers, its counters, today's
// configuration.
//
// Lifetime  outlives every session of the worker.
// Thread    the worker's; the counters may be read from anywhere.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/list.h"
#include "content/compressors.h"
#include "content/file_watches.h"
#include "content/open_files.h"
#include "http/date.h"
#include "http/parser.h"
#include "loop/event_loop.h"
#include "loop/offload.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/log.h"
#include "relay/resources.h"
#include "serve/session.h"
#include "serve/site.h"
#include "upstream/transport.h"

namespace sluice::serve {

// Payload bytes one direction may move before other connections get their turn.
inline constexpr std::size_t kBudget = 1_MiB;

// The counters of all workers as JSON, made when asked for. Any thread.
using StatusPage = std::function<std::string()>;

class WorkerState {
 public:
  WorkerState(loop::EventLoop& the_loop, loop::Offload& the_offload, const config::Config& config,
              observe::Counters& the_counters, StatusPage page);

  loop::EventLoop& loop;
  loop::Offload& offload;
  observe::Counters& counters;
  const StatusPage status_page;
  relay::Resources relay;
  [[nodiscard]] upstream::Means means() noexcept { return {relay, counters}; }  // for connections to servers
  content::OpenFiles files;
  content::FileWatches watches;  // of files that are followed
  content::Compressors compressors;
  std::unique_ptr<observe::AccessBatch> log;  // null: no access log
  std::shared_ptr<const Site> site;           // of requests that begin now

  // Parsers of heads that arrive in one piece, which is nearly all: see ClientConnection::partial_.
  http::RequestParser request_parser;
  http::ResponseParser response_parser;
  std::string path;  // scratch: the normalised path of the request being routed

  List<Session> sessions;
  std::size_t session_count = 0;
  bool draining = false;
  std::function<void()> on_last_session;  // called when draining and none is left

  void begin_session(Session& session) noexcept;
  void end_session(Session& session) noexcept;  // destroys it: the caller touches nothing of it afterwards

  // TLS handshakes under way, and what to do when there is room for another: see Listener.
  std::size_t handshakes = 0;
  std::function<void()> on_handshake_room;
  void begin_handshake() noexcept;
  void end_handshake();

  // The current Date value; valid until the next call.
  std::string_view date() noexcept;
  // What people must know about an upstream's servers, in the error log.
  void tell_no_connection(const std::string& upstream, const std::string& server, int error);  // now and then
  // ... and why TLS did not come about, where it says.
  void tell_no_tls(const std::string& upstream, const std::string& server, std::string_view why);
  void tell_marked_down(const std::string& upstream, const upstream::Server& server);  // counts it, too
  void tell_up_again(const std::string& upstream, const upstream::Server& server);
  // ... and about clients that speak no TLS that we do. Now and then.
  void tell_handshake_failed(const std::string& listener, const os::Address& peer, std::string_view why);
  // ... and about those who speak no Kafka. Now and then. `api`: may be empty.
  void tell_kafka_refused(const std::string& listener, const os::Address& peer, std::string_view api,
                          std::string_view why);
  // Copies what the pools know into the counters, for readers on other threads.
  void publish() noexcept;

 private:
  std::time_t date_second_ = -1;
  char date_[http::kDateSize];
  observe::Throttle no_connection_{std::chrono::seconds(10)}, no_tls_{std::chrono::seconds(10)},
      handshake_failed_{std::chrono::seconds(10)}, kafka_refused_{std::chrono::seconds(10)};
};

}  // namespace sluice::serve
