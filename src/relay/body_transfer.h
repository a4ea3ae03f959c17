// A body of pieces (bytes made here, file ranges) on its way to a channel.
//
// A file range goes by sendfile when it is large, else through the worker's scratch memory in the same call
// as the head, or from the file's mapping likewise, if that is forced; what the sink does not take is read again later, so a slow reader holds no memory at all. A
// cold range never blocks: windows of the file are probed, and brought in by an offload thread
// (Step::kWaiting).
//
// A body that is made while it is sent is left open: once all there is was delivered, a step answers kSourceDry, and
// whoever makes it appends, or ends it.
//
// Thread    the loop's. Errors: see Step; kTruncated means the file shrank.
// Source    sendfile(2), preadv2(2), mmap(2).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/step.h"
#include "relay/body.h"
#include "relay/channel.h"
#include "relay/choose.h"
#include "relay/learner.h"
#include "relay/ledger.h"
#include "relay/policy.h"
#include "relay/resources.h"

namespace sluice::relay {

class BodyTransfer {
 public:
  // `warmed` is called on the loop's thread when a kWaiting is over: step again.
  BodyTransfer(Resources& resources, Body body, const Policy& policy, std::function<void()> warmed);

  StepResult step(Channel& sink, std::size_t budget, std::string_view head = {});

  void leave_open() noexcept { open_ = true; }  // before the first step
  void append(Piece piece) { body_.push_back(std::move(piece)); }
  void end() noexcept { open_ = false; }

  // What choose() will say of the largest piece, for a header that must be written before anything moves.
  [[nodiscard]] static Choice foresee(const Body& body, const Policy& policy, const Resources& resources,
                                      const Channel& sink) noexcept;
  [[nodiscard]] Choice choice() const noexcept { return choice_; }
  [[nodiscard]] std::uint64_t delivered() const noexcept { return ledger_.out(); }
  [[nodiscard]] std::uint64_t zero_copy() const noexcept { return zero_copy_; }
  [[nodiscard]] std::uint64_t mapped() const noexcept {
    return mapped_;
  }  // bytes copied from a mapping: once
  [[nodiscard]] bool sink_touched() const noexcept { return touched_; }
  [[nodiscard]] std::uint64_t cold_waits() const noexcept { return cold_waits_; }

 private:
  Step run(Channel& sink, std::size_t budget);
  Step step_memory(Channel& sink, const std::string& bytes, std::size_t budget);
  Step step_file(Channel& sink, const FileRange& range, std::size_t budget);
  Step copy_file(Channel& sink, const FileRange& range, std::size_t most);
  Step send_mapped(Channel& sink, const FileRange& range, std::size_t most);
  Step finish(Channel& sink);
  Step send_pending(Channel& sink, std::string_view payload, bool more);
  Step put_pending(Channel& sink, std::string_view payload, bool more);
  Step ensure_resident(const FileRange& range, std::uint64_t offset);
  [[nodiscard]] bool last_piece() const noexcept { return at_ + 1 == body_.size(); }

  Resources& resources_;
  Body body_;
  Policy policy_;
  std::function<void()> warmed_;
  loop::Ticket ticket_;
  std::string_view head_;   // only within step()
  std::string lead_;        // what is left of the head
  std::size_t at_ = 0;      // piece
  std::uint64_t done_ = 0;  // bytes of it that were sent
  Ledger ledger_;
  Lesson lesson_;  // of a body that is one range of a file, to a socket
  std::uint64_t zero_copy_ = 0, mapped_ = 0, cold_waits_ = 0;
  std::uint64_t warmed_offset_ = 0;  // the offset last brought in, plus one
  Choice choice_;
  bool refused_ = false, touched_ = false, open_ = false;
  int error_ = 0, warming_error_ = 0;
};

}  // namespace sluice::relay
