// An exchange that Sluice answers itself: a file, a fixed response, the counters, or a refusal.
//
// The request's body, if any, is not wanted: it is skipped when all of it came with the head, otherwise the
// connection is closed in order after the answer.
#pragma once

#include <optional>

#include "http/verdict.h"
#include "serve/exchange.h"
#include "serve/own_answer.h"

namespace sluice::serve {

class AnswerExchange final : public Exchange {
 public:
  AnswerExchange(Client& client, WorkerState& state, const Route* route, const Request& request);
  ~AnswerExchange() override;

  // Refusals: the status, and a name for the log. The connection closes when `close` is true: after a
  // malformed head nobody knows where the next request begins.
  void refuse(int status, const char* why, bool close, observe::Ending ending = observe::Ending::kRefused);

  // 308: the same request, elsewhere.
  void redirect(const std::string& location);

  // What we can do ourselves: for an OPTIONS that may go no further.
  void answer_options();

  void start() override;
  void on_client() override { drive(); }
  void on_deadline() override;
  void cut(observe::Ending why) override;

 private:
  void drive() override;
  void answer(content::Answer answer);
  content::Compressors::Lease code(content::Answer& answer);
  void answer_from_file();
  content::Answer fixed_answer() const;
  content::Answer status_answer() const;
  void end(observe::Ending ending, Outcome outcome);

  std::optional<OwnAnswer> answer_;
  observe::Ending ending_ = observe::Ending::kCompleted;
  // A file look-up that went off the loop: the head is kept, because its conditions are needed again.
  loop::Ticket lookup_;
  std::string head_text_;
  std::string path_;
  std::uint64_t cold_waits_ = 0;
  const http::RequestHead* head_ = nullptr;  // only within start()
  bool answered_ = false;                    // before start()
  const std::size_t skip_;                   // bytes of `held` that are this request
};

}  // namespace sluice::serve
