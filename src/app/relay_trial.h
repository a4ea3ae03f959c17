// What the relay costs on this machine: bodies through the real relay over loopback, by a path of our choosing.
//
//   load thread:  clients ──a byte──▶  calling thread: pairs  ──a byte──▶  origins (load thread)
//                         ◀── head, body ──        │      ◀── body ──
//                                                  └── or a range of a file
//
// A few connections at a time, kept alive, as a proxy has them. Only the calling thread's processor time is counted, with
// all that belongs to it: the loop's waiting, the request's byte, the head of the response.
//
// Thread   the caller's, which must have no loop running, and one of its own.
// Errors   throws std::runtime_error: no sockets, no room for the file, a connection that failed or stood still.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "relay/choose.h"

namespace sluice::app {

enum class BodySource : std::uint8_t { kSocket, kFile };

struct Trial {
  BodySource source = BodySource::kSocket;
  relay::Force force = relay::Force::kBuffered;
  std::uint64_t size = 0;  // of each body, > 0
  unsigned bodies = 1;
};

class RelayTrial {
 public:
  static constexpr std::uint64_t kLargest = std::uint64_t{10} << 20;

  RelayTrial();
  ~RelayTrial();

  // Moves them all; the processor time of one, on average.
  std::chrono::nanoseconds run(const Trial& trial);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::app
