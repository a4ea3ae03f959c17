#include "loop/version.h"

#include <event2/event.h>

namespace sluice::loop {

const char* libevent_version() noexcept { return ::event_get_version(); }

}  // namespace sluice::loop
