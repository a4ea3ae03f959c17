// Two channels, bytes both ways, until both sides have finished: a TCP session, or what follows a
// 101.
//
// Half-close   when one side ends its stream, all it sent is delivered first, then the other side gets a FIN;
// the other
//              direction goes on. A reset on one side becomes a reset on the other: the cut stays visible.
// Memory       an idle tunnel holds neither buffer nor pipe.
// Thread       the worker's. Borrows channels and buffers.
#pragma once

#include "relay/stream_transfer.h"

namespace sluice::serve {

class Tunnel {
 public:
  struct End {
    relay::Channel& channel;
    relay::Buffer& held;  // bytes already read from it go first
  };
  enum class Result : std::uint8_t { kRunning, kMoreLater, kEnded, kFailed, kInternal };

  Tunnel(relay::Resources& resources, const relay::Policy& policy, End client, End server);

  // `head` goes to the client before everything else; first call only.
  Result drive(std::size_t budget, std::string_view head = {});

  [[nodiscard]] bool moved() const noexcept { return moved_; }  // in the last drive()
  [[nodiscard]] std::uint64_t from_client() const noexcept { return up_.delivered(); }
  [[nodiscard]] std::uint64_t to_client() const noexcept { return down_.delivered(); }
  [[nodiscard]] std::uint64_t zero_copy() const noexcept { return up_.zero_copy() + down_.zero_copy(); }
  [[nodiscard]] relay::Choice choice() const noexcept;  // of the direction that moved more

 private:
  Result drive_one(relay::StreamTransfer& transfer, bool& done, End from, End to, std::size_t budget,
                   std::string_view head);

  End client_, server_;
  relay::StreamTransfer up_, down_;  // client to server, server to client
  bool up_done_ = false, down_done_ = false;
  bool moved_ = false;
};

}  // namespace sluice::serve
