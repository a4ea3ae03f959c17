// An exchange whose response body is made while it is sent: a file that is followed while it grows, a log.
//
//   kOpening ──head──▶ kSending ──all there is, is out──▶ kQuiet ──grown──▶ kSending
//      │ (a disk)          │ whole, cut                      │ drain: ends in order; the client is gone
//      ▼                   ▼                                 ▼
//
// Framing    chunked, a chunk for each growth; HTTP/2's frames; for HTTP/1.0 the end of the connection.
// Waiting    a quiet file is nothing unusual, so a quiet response has no limit: body_idle counts only while the client
//            takes nothing of what there is. A client that leaves is noticed at once, and its FIN counts as leaving; one
//            that is cut off without a word is found out by TCP (see os::listen_tcp()).
// Memory     of a quiet follower: this object.
// A request's body, if any, is skipped as in AnswerExchange.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "content/followed_file.h"
#include "content/growing_body.h"
#include "serve/exchange.h"
#include "serve/own_answer.h"

namespace sluice::serve {

class FollowExchange final : public Exchange {
 public:
  FollowExchange(Client& client, WorkerState& state, const Route& route, const Request& request);
  ~FollowExchange() override;

  // Whether a request's answer is this kind's affair.
  static bool concerns(const Route& route, const http::RequestHead& head,
                       const http::RequestFacts& facts) noexcept;

  void start() override;
  void on_client() override;
  void on_deadline() override;
  void cut(observe::Ending why) override;
  void begin_drain() override { go_on_later(); }

 private:
  enum class At : std::uint8_t { kOpening, kSending, kPending, kQuiet };

  void open();
  void begin(content::Answer answer);
  void drive() override;
  bool grow();
  void append(relay::Body pieces);
  void end_body();
  void end(observe::Ending ending, Outcome outcome);
  void end_cut(observe::Ending ending);
  [[nodiscard]] bool client_left() noexcept;
  [[nodiscard]] std::uint64_t payload_sent() const noexcept;

  const std::string target_;
  const std::string path_;  // as the handler sees it
  const content::Follow follow_;
  const std::size_t skip_;  // bytes of `held` that are this request
  At at_ = At::kOpening;
  loop::Ticket ticket_;
  std::unique_ptr<content::GrowingBody> body_;
  std::optional<OwnAnswer> answer_;
  bool chunked_ = false, until_close_ = false, counted_ = false;
  // The books of the current chunk: of what the transfer delivers, framing is no payload.
  std::uint64_t payload_before_ = 0, chunk_begin_ = 0, chunk_head_ = 0, chunk_payload_ = 0;
  std::uint64_t cold_waits_ = 0;
};

}  // namespace sluice::serve
