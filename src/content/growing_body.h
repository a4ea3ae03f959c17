// A body that nobody knows as a whole when it begins: what a file or a log grows by, or records that are made into text
// bit by bit. It is asked for what comes next when all before has been delivered, so nothing waits in it: one that is
// read slowly knows where it stands, and what came meanwhile is one later answer.
//
// Lifetime  destroyed at will; nothing is told from then on. Owns what it needs of files and logs.
// Thread    the loop's.
#pragma once

#include <functional>
#include <utility>

#include "relay/body.h"

namespace sluice::content {

enum class Growth : std::uint8_t {
  kPieces,   // send these, then ask again
  kPending,  // it is being made: the owner is told
  kQuiet,    // that is all for now, and the owner is told when there is more: a good place to stop
  kEnd,      // the body is whole
  kCut,      // it never will be: what it is made of shrank, or went before it was sent
  kFailed,   // nor here: reading failed
};

class GrowingBody {
 public:
  virtual ~GrowingBody() = default;

  // `pieces` comes empty, and stays so but for kPieces.
  virtual Growth next(relay::Body& pieces) = 0;
  // It goes on as long as the client likes, and may be ended at any kQuiet. Others have an end of their own.
  [[nodiscard]] virtual bool follows() const noexcept = 0;
  // Called after kPending or kQuiet, when next() may say something else. Does not destroy this.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

 protected:
  void tell() const {
    if (changed_) changed_();
  }

 private:
  std::function<void()> changed_;
};

}  // namespace sluice::content
