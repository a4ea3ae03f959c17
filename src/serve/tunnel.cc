#include "serve/tunnel.h"

namespace sluice::serve {

namespace {

relay::StreamPlan plan_of(const relay::Policy& policy) {
  return {.in = relay::Shape::kTunnel, .policy = policy};
}

}  // namespace

Tunnel::Tunnel(relay::Resources& resources, const relay::Policy& policy, End client, End server)
    : client_(client), server_(server), up_(resources, plan_of(policy)), down_(resources, plan_of(policy)) {}

relay::Choice Tunnel::choice() const noexcept {
  return down_.delivered() >= up_.delivered() ? down_.choice() : up_.choice();
}

Tunnel::Result Tunnel::drive(std::size_t budget, std::string_view head) {
  moved_ = false;
  const Result down = drive_one(down_, down_done_, server_, client_, budget, head);
  if (down == Result::kFailed || down == Result::kInternal) return down;
  const Result up = drive_one(up_, up_done_, client_, server_, budget, {});
  if (up == Result::kFailed || up == Result::kInternal) return up;
  if (up_done_ && down_done_) return Result::kEnded;
  return up == Result::kMoreLater || down == Result::kMoreLater ? Result::kMoreLater : Result::kRunning;
}

Tunnel::Result Tunnel::drive_one(relay::StreamTransfer& transfer, bool& done, End from, End to,
                                 std::size_t budget, std::string_view head) {
  if (done) return Result::kRunning;
  const StepResult result = transfer.step(from.channel, from.held, to.channel, budget, head);
  moved_ = moved_ || result.bytes != 0;
  switch (result.step) {
    case Step::kMoved:
      return Result::kMoreLater;
    case Step::kSourceDry:
    case Step::kSinkFull:
    case Step::kWaiting:
      return Result::kRunning;
    case Step::kDone:
      done = true;
      to.channel.shutdown_write();
      return Result::kRunning;
    case Step::kLedgerBroken:
      return Result::kInternal;
    case Step::kTruncated:
    case Step::kMalformed:
    case Step::kTooLarge:
    case Step::kUnsupported:
    case Step::kSourceFailed:
    case Step::kSinkFailed:
      return Result::kFailed;
  }
  return Result::kFailed;
}

}  // namespace sluice::serve
