// Where a response's body goes: the client's channel, or an encoder before it.
#pragma once

#include <optional>

#include "base/step.h"
#include "content/encoder.h"
#include "serve/client.h"
#include "serve/worker_state.h"

namespace sluice::serve {

// Payload bytes one turn may compress: some milliseconds.
inline constexpr std::size_t kCodingBudget = 128_KiB;

class ResponseSink {
 public:
  // From now on the body is compressed. `streams`: its source may pause for long, and the client wants what there is.
  void encode(WorkerState& state, Client& client, content::Compressors::Lease compressor, bool streams,
              std::string_view head) {
    encoder_.emplace(client.channel(), state.relay.blocks, std::move(compressor), !client.multiplexed(),
                     head);
    streams_ = streams;
  }
  void stop_encoding() noexcept { encoder_.reset(); }

  [[nodiscard]] relay::Channel& channel(Client& client) noexcept {
    return encoder_ ? *encoder_ : client.channel();
  }
  [[nodiscard]] std::size_t budget() const noexcept { return encoder_ ? kCodingBudget : kBudget; }

  // What a step came to, once an encoder has had its say.
  StepResult settle(StepResult result) {
    if (!encoder_) return result;
    os::IoResult put;
    switch (result.step) {
      case Step::kSourceDry:
      case Step::kWaiting:
        put = encoder_->rest(streams_ && result.step == Step::kSourceDry);
        if (put.would_block() && result.step == Step::kSourceDry) result.step = Step::kSinkFull;
        break;
      case Step::kTruncated:
      case Step::kMalformed:
      case Step::kSourceFailed:
        // The client gets what there is; unless it has seen nothing yet, and can be told so.
        if (encoder_->written() != 0) (void)encoder_->rest(true);
        break;
      default:
        break;
    }
    if (!put.ok() && !put.would_block()) {
      result.step = Step::kSinkFailed;
      result.error = put.error;
    }
    result.bytes += static_cast<std::size_t>(encoder_->written() - told_);
    told_ = encoder_->written();
    return result;
  }

  [[nodiscard]] const content::Encoder* encoder() const noexcept { return encoder_ ? &*encoder_ : nullptr; }

 private:
  std::optional<content::Encoder> encoder_;
  bool streams_ = false;
  std::uint64_t told_ = 0;
};

}  // namespace sluice::serve
