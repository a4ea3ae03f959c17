// A response that Sluice makes itself: its head, and a body of pieces handed to the relay.
#pragma once

#include <functional>
#include <string>

#include "content/static_files.h"
#include "relay/body_transfer.h"
#include "serve/client.h"
#include "serve/worker_state.h"

namespace sluice::serve {

struct AnswerOptions {
  bool keep_alive = true;
  bool http10_client = false;
  bool head_only = false;  // the request was HEAD: length, but no body
  std::string_view server_timing;
  std::chrono::seconds hsts{0};  // see http::ClientResponse
  relay::Policy policy;
  std::function<void()> warmed;  // see relay::BodyTransfer
};

class OwnAnswer {
 public:
  OwnAnswer(WorkerState& state, content::Answer answer, const AnswerOptions& options);

  // See relay::BodyTransfer::step().
  StepResult step(Client& client, std::size_t budget) {
    const std::string_view head =
        std::exchange(started_, true)
            ? std::string_view()
            : client.send_head(head_, has_body_ ? HeadKind::kFinal : HeadKind::kWhole);
    return transfer_.step(client.channel(), budget, head);
  }
  [[nodiscard]] const relay::BodyTransfer& transfer() const noexcept { return transfer_; }

 private:
  std::string head_;
  const bool has_body_;
  relay::BodyTransfer transfer_;
  bool started_ = false;
};

// "404 Not Found\n" as plain text, for every answer that has nothing better to say.
content::Answer plain_answer(int status, std::string_view more = {});

// Why a request without TLS is refused where TLS is spoken; the answer says what to do about it.
inline constexpr char kPlainHttp[] = "plain-http";

}  // namespace sluice::serve
