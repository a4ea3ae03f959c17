// One request and its response: what every kind of exchange has in common.
//
// An exchange is made when a request head is complete, acts on events, and sets an outcome when it is over;
// its client then destroys it (Client::settle) and goes on. It never destroys itself.
// Thread    the worker's.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/list.h"
#include "content/encoder.h"
#include "content/negotiate.h"
#include "http/message.h"
#include "loop/event_loop.h"
#include "observe/access_log.h"
#include "observe/ending.h"
#include "relay/choose.h"
#include "serve/client.h"
#include "serve/worker_state.h"

namespace sluice::serve {

// What becomes of the client: of its connection, or of its stream.
enum class Outcome : std::uint8_t {
  kRunning,
  kKeep,   // the next request may come
  kClose,  // the response was whole; close in order
  kCut,    // it was not: close at once. A length or chunk framing shows it
  kReset,  // it was not, and only a reset can show it (a close-delimited body)
};

struct Request {  // borrowed from the parser: valid while the exchange is being made
  const http::RequestHead& head;
  const http::RequestFacts& facts;
  std::string_view path;  // normalised
};

class Exchange : private loop::Deferred {
 public:
  Exchange(Client& client, WorkerState& state, const Route* route, const Request& request);
  virtual ~Exchange();

  virtual void start() = 0;                   // once, right after it was made
  virtual void on_client() = 0;               // something changed on the client's channel
  virtual void on_deadline() = 0;             // what it waited for did not happen in time
  virtual void cut(observe::Ending why) = 0;  // stop now
  // SIGTERM: a response that would go on for ever begins to end. Destroys nothing yet.
  virtual void begin_drain() {}

  [[nodiscard]] Outcome outcome() const noexcept { return outcome_; }

 protected:
  struct Moved {  // what the log and the counters want to know of the bodies
    relay::Choice choice;
    std::uint64_t in = 0, out = 0, zero_copy = 0;
    std::uint64_t mapped = 0;  // sent from a mapping
    std::optional<config::Coding> coding =
        {};  // of the response body; `out` is what became of `uncompressed`
    std::uint64_t uncompressed = 0;
  };
  // What compression makes of a response.
  struct Coded {
    http::Recoding recoding;
    content::Compressors::Lease compressor;  // valid: the body goes through it
  };
  // `length`: see content::plan_coding(). Without one to spare the body goes as it is.
  [[nodiscard]] Coded plan_coding(const http::ResponseHead& head, std::optional<std::uint64_t> length,
                                  bool has_body);
  static void note_coding(Moved& moved, const content::Encoder& encoder) noexcept {
    moved.coding = encoder.coding();
    moved.uncompressed = std::exchange(moved.out, encoder.delivered());
  }
  // The end: counts, logs, sets the outcome. Once.
  void finish(observe::Ending ending, Outcome outcome, const Moved& moved);
  // A body's books do not add up: counted and logged as what it is, a bug of ours.
  void ledger_broken();
  // Go on in the next turn.
  void go_on_later() { state_.loop.defer(*this); }
  virtual void drive() = 0;

  [[nodiscard]] const config::Config& config() const noexcept { return site_->config(); }
  [[nodiscard]] std::string_view server_timing(relay::Choice choice);

  Client& client_;
  WorkerState& state_;
  const std::shared_ptr<const Site> site_;
  const Route* const route_;  // null: refused before a route was found
  const http::Method method_;
  const bool http10_;
  bool keep_alive_;  // what the client wants, until something speaks against it
  int status_ = 0;   // told to the client; 0: nothing yet
  std::string why_;  // overrides the path's reason in the log: a verdict
  std::string upstream_name_;
  bool upstream_http2_ = false;
  content::CodingWish wish_;
  std::chrono::microseconds connect_time_{-1}, first_byte_time_{-1};
  [[nodiscard]] std::chrono::microseconds elapsed() const noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(state_.loop.now() - began_);
  }

 private:
  void run_deferred() override;

  struct LogText;  // copied from the head only when there is an access log
  std::unique_ptr<LogText> log_text_;
  const os::Time began_;
  Outcome outcome_ = Outcome::kRunning;
  char timing_[64];
};

}  // namespace sluice::serve
