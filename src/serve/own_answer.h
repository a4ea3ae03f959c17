// A response that Sluice makes itself: its head, and a body of pieces handed to the relay.
#pragma once

#include <functional>
#include <string>

#include "content/static_files.h"
#include "http/message.h"
#include "relay/body_transfer.h"
#include "serve/client.h"
#include "serve/response_sink.h"
#include "serve/worker_state.h"

namespace sluice::serve {

struct AnswerOptions {
  bool keep_alive = true;
  bool http10_client = false;
  bool head_only = false;  // the request was HEAD: length, but no body
  bool grows = false;      // the body is made while it is sent: see relay::BodyTransfer
  std::string_view server_timing;
  std::chrono::seconds hsts{0};            // see http::ClientResponse
  content::Compressors::Lease compressor;  // valid: the body goes through it
  relay::Policy policy;
  std::function<void()> warmed;  // see relay::BodyTransfer
};

class OwnAnswer {
 public:
  OwnAnswer(WorkerState& state, content::Answer answer, AnswerOptions options);

  // See relay::BodyTransfer::step().
  StepResult step(Client& client) {
    std::string_view head;
    if (!std::exchange(started_, true)) {
      head = client.send_head(head_, has_body_ ? HeadKind::kFinal : HeadKind::kWhole);
      if (compressor_.valid())
        sink_.encode(state_, client, std::move(compressor_), false, std::exchange(head, {}));
    }
    return sink_.settle(transfer_.step(sink_.channel(client), sink_.budget(), head));
  }
  [[nodiscard]] const relay::BodyTransfer& transfer() const noexcept { return transfer_; }
  [[nodiscard]] relay::BodyTransfer& transfer() noexcept { return transfer_; }
  [[nodiscard]] const content::Encoder* encoder() const noexcept { return sink_.encoder(); }  // may be null

 private:
  std::string head_;
  const bool has_body_;
  relay::BodyTransfer transfer_;
  WorkerState& state_;
  content::Compressors::Lease compressor_;
  ResponseSink sink_;
  bool started_ = false;
};

// A request whose body is not wanted: the bytes of `held` that are to be skipped. Where more of it would come, the
// connection can't be kept, and `keep_alive` becomes false.
std::size_t size_with_body(const Client& client, const http::RequestHead& head,
                           const http::RequestFacts& facts, bool& keep_alive) noexcept;

// "404 Not Found\n" as plain text, for every answer that has nothing better to say.
content::Answer plain_answer(int status, std::string_view more = {});

// Why a request without TLS is refused where TLS is spoken; the answer says what to do about it.
inline constexpr char kPlainHttp[] = "plain-http";

}  // namespace sluice::serve
