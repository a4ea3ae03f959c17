// What one bounded move of bytes came to. Every strategy of the relay answers in these words.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

enum class Step : std::uint8_t {
  kMoved,         // progress was made and the budget is used up; call again in a later turn
  kSourceDry,     // nothing to read now: wait until the source is readable
  kSinkFull,      // the sink takes no more now: wait until it is writable
  kWaiting,       // work goes on off the loop (a cold file range); the owner is told when it is done
  kDone,          // the whole body was delivered
  kTruncated,     // the source ended before the body did: the client must see an aborted message
  kMalformed,     // the source broke its own framing (a chunk size that is none): cut as well
  kTooLarge,      // the body passed the configured limit
  kUnsupported,   // the kernel refuses this path here; nothing is lost, another strategy can go on
  kSourceFailed,  // reading failed; `error` holds errno
  kSinkFailed,    // writing failed; `error` holds errno
  kLedgerBroken,  // in != out + held: a bug in Sluice; the connection is cut rather than trusted
};

struct [[nodiscard]] StepResult {
  Step step;
  std::size_t bytes = 0;  // body bytes delivered to the sink by this call
  int error = 0;          // errno; for the failed steps and kUnsupported
};

}  // namespace sluice
