#include "serve/own_answer.h"

#include "http/rewrite.h"
#include "http/status.h"

namespace sluice::serve {

OwnAnswer::OwnAnswer(WorkerState& state, content::Answer answer, AnswerOptions options)
    : has_body_(!options.head_only && (options.grows || !answer.body.empty())),
      transfer_(state.relay, options.head_only ? relay::Body{} : std::move(answer.body), options.policy,
                options.warmed),
      state_(state),
      compressor_(std::move(options.compressor)) {
  http::Framing framing = answer.has_length ? http::Framing::kLength : http::Framing::kNone;
  if (compressor_.valid()) framing = http::Framing::kChunked;
  if (options.grows && has_body_) {
    transfer_.leave_open();
    framing = options.http10_client ? http::Framing::kUntilClose : http::Framing::kChunked;
  }
  http::HeadWriter out({state.relay.head_scratch.get(), state.relay.head_scratch_size});
  http::begin_own_response(out, answer.status,
                           {.framing = framing,
                            .length = answer.length,
                            .has_length = answer.has_length,
                            .keep_alive = options.keep_alive,
                            .http10_client = options.http10_client,
                            .date = state.date(),
                            .server_timing = options.server_timing,
                            .hsts = options.hsts});
  out.put(answer.fields);
  out.put("\r\n");
  head_ = out.text();
}

std::size_t size_with_body(const Client& client, const http::RequestHead& head,
                           const http::RequestFacts& facts, bool& keep_alive) noexcept {
  if (facts.framing == http::Framing::kNone) return head.size();
  const std::size_t behind = client.held.size() - std::min(head.size(), client.held.size());
  if (facts.framing == http::Framing::kLength && facts.length <= behind)
    return head.size() + static_cast<std::size_t>(facts.length);
  keep_alive = false;
  return head.size();
}

content::Answer plain_answer(int status, std::string_view more) {
  std::string text = std::to_string(status) + " " + std::string(http::reason_phrase(status)) + "\n";
  text.append(more);
  content::Answer answer{.status = status,
                         .fields = "Content-Type: text/plain; charset=utf-8\r\n",
                         .body = {},
                         .length = text.size(),
                         .has_length = true};
  answer.body.emplace_back(std::move(text));
  return answer;
}

}  // namespace sluice::serve
