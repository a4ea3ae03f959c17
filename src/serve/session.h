// Whatever lives as long as one client's connection: an HTTP client connection or a TCP session.
//
// Lifetime  made with new when a client is accepted, linked into its worker's list, ends itself through
// end_session().
// Thread    the worker's.
#pragma once

#include "base/list.h"
#include "observe/ending.h"

namespace sluice::serve {

class Session : public ListLink {
 public:
  virtual ~Session() = default;
  // SIGTERM: finish what runs, begin nothing new. May end the session.
  virtual void begin_drain() = 0;
  // The drain's deadline has passed. Ends the session.
  virtual void cut() = 0;
};

}  // namespace sluice::serve
